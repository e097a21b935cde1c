"""Risk against saving: each rule over its whole grid, certified and published points marked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.metrics import Measures
from probexit.experiments.evaluation.problems import Band
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow

LEAST = 0.1  # risk shown at least; curves go on beyond the figure


@dataclass(frozen=True)
class _Panel:
    """One way to count what is saved.

    Attributes:
        axes: Where it is drawn.
        most: The largest risk shown.
        curve: What a curve saves.
        row: What a row saves.
    """

    axes: Any
    most: float
    curve: Callable[[Curve], Band]
    row: Callable[[Measures], Interval]


def draw(comparison: Comparison) -> Figure:
    """Draw two panels: thinking saved, and all tokens saved once the probing is paid for.

    Lower and further right is better. Filled marks are certified, with the promise beside them;
    hollow ones are not. The star is the oracle.
    """
    figure, (left, right) = style.canvas(10.5, 5, columns=2)
    most = max(LEAST, *(2 * (row.promised or 0.0) for row in comparison.rows))
    for panel in (
        _Panel(left, most, lambda curve: curve.saved, lambda measures: measures.saved),
        _Panel(right, most, lambda curve: curve.saved_total, lambda measures: measures.saved_total),
    ):
        _curves(panel, comparison)
        for row in comparison.rows:
            if row.title in comparison.curves or not row.deployable:
                _mark(panel, row)
        panel.axes.set_ylim(-50 * most / 10, 100 * most)
    style.label(left, "thinking saved, %", f"problems where {wording.loss(comparison)}, %")
    style.label(right, "all tokens saved, %, probing paid for", "")
    return figure


def _curves(panel: _Panel, comparison: Comparison) -> None:
    families = {row.title: row.family for row in comparison.rows}
    ends = []
    for title, curve in comparison.curves.items():
        keep = curve.risk.estimate <= panel.most
        if not keep.any():
            continue
        look, saved = style.look(families[title]), 100 * panel.curve(curve).estimate[keep]
        low, seen, high = (
            100 * part[keep] for part in (curve.risk.low, curve.risk.estimate, curve.risk.high)
        )
        panel.axes.fill_between(saved, low, high, color=look.colour, alpha=0.10, linewidth=0)
        panel.axes.plot(saved, seen, color=look.colour, linestyle=look.line, linewidth=1.6)
        ends.append((float(saved[-1]), float(seen[-1]), title, look.colour))
    heights = style.spread([y for _, y, _, _ in ends], 5 * panel.most, 0, 98 * panel.most)
    for (x, _, title, colour), height in zip(ends, heights, strict=True):
        panel.axes.annotate(
            title,
            (x, height),
            (6, 0),
            textcoords="offset points",
            fontsize=9,
            color=colour,
            va="center",
        )


def _mark(panel: _Panel, row: ResultRow) -> None:
    look, measures = style.look(row.family), row.measures
    at = (100 * panel.row(measures).estimate, 100 * measures.risk.estimate)
    if at[1] > 100 * panel.most:
        return
    filled = row.promised is not None or not row.deployable
    panel.axes.plot(
        *at,
        marker=look.marker,
        markersize=8 if row.deployable else 13,
        color=look.colour,
        markerfacecolor=look.colour if filled else "white",
        linestyle="none",
        zorder=4,
    )
    if row.promised is not None:
        panel.axes.annotate(
            wording.promise(row),
            at,
            (-6, 6),
            textcoords="offset points",
            fontsize=8,
            color=look.colour,
            ha="right",
        )
