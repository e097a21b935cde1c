"""Accuracy against tokens: every rule over its whole grid, one panel per family."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.frontier import kind_of
from probexit.experiments.evaluation.problems import Band
from probexit.experiments.evaluation.results import Comparison, ResultRow

COLUMNS = 2
OURS, RANDOM, FULL = "probe", "random_exit", "full_run"
DEPTH = 0.20  # accuracy below the full run that is shown
WIDEST = 1.6  # tokens shown, as a multiple of the full run's
KEY = (
    "black: ours, with its 95 % band   grey: exit at random   square: full run   star: oracle   "
    "filled: certified   hollow: published or live"
)
LINES = ("-", (0, (5, 2)), (0, (1, 1.2)))
COLOURS = (style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, "#6b4c2a")


@dataclass(frozen=True)
class Axis:
    """Which tokens are counted.

    Attributes:
        tokens: "total" (everything the rule pays for) or "thinking".
    """

    tokens: str = "total"

    def of(self, measured: Any) -> Any:
        """Return the tokens of a row's measures, or of a curve."""
        return getattr(measured, self.tokens)

    @property
    def name(self) -> str:
        """What the axis says."""
        every = "tokens per problem: thinking, probing, answer"
        return every if self.tokens == "total" else "thinking tokens per problem"


def draw(comparison: Comparison, tokens: str = "total") -> Figure:
    """Draw one panel per family of rules; up and to the left is better.

    In each panel ours is the black curve with its 95 % band, exiting at random the grey one, the
    square the full run and the star the oracle. Filled marks are certified, hollow ones published
    or generated anew; whiskers are 95 % intervals over problems. A rule named with an arrow is
    right less often than the figure shows, wherever its dial stands.

    Args:
        comparison: The table with its curves.
        tokens: "total" or "thinking".
    """
    axis = Axis(tokens)
    families = _families(comparison)
    columns = min(COLUMNS, max(len(families), 1))
    rows = -(-max(len(families), 1) // columns)
    figure = Figure(figsize=(6.4 * columns, 3.7 * rows), dpi=style.DPI, layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat)
    for axes, family in zip(panels, families, strict=False):
        _panel(axes, axis, comparison, family)
    for axes in panels[len(families) :]:
        axes.set_visible(False)
    for axes in panels[max(len(families) - columns, 0) : len(families)]:
        axes.set_xlabel(axis.name, fontsize=10, color=style.INK)
        axes.tick_params(labelbottom=True)
    for axes in panels[::columns]:
        axes.set_ylabel("right answers, %", fontsize=10, color=style.INK)
    _limit(panels[0], axis, comparison)
    figure.suptitle(KEY, fontsize=9, color=style.INK, x=0.01, ha="left")
    return figure


def _families(comparison: Comparison) -> list[str]:
    """Families with a rule beside the frame, in the table's order; ours alone if there is none."""
    frame = (OURS, RANDOM, FULL)
    rest = [row for row in comparison.rows if row.deployable and row.method not in frame]
    rest = [row for row in rest if row.family != "reference"]
    return list(dict.fromkeys(row.family for row in rest)) or ["hidden states"]


def _panel(axes: Any, axis: Axis, comparison: Comparison, family: str) -> None:
    style.plain(axes)
    axes.set_title(family, fontsize=11, color=style.INK, loc="left")
    _frame(axes, axis, comparison)
    own = [row for row in comparison.rows if row.family == family and row.deployable]
    titles = list(dict.fromkeys(row.title for row in own if row.method not in (OURS, RANDOM)))
    looks = zip(cycle(COLOURS), (line for line in LINES for _ in COLOURS), strict=False)
    for title, (colour, line) in zip(titles, looks, strict=False):
        rows = [row for row in own if row.title == title]
        curve = comparison.curves.get(title)
        name = title if _seen(rows, curve, _floor(comparison)) else f"{title} \u2193"
        _rule(axes, axis, (name, rows, curve), style.FamilyStyle(colour, "o", line))
    if titles:
        axes.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _frame(axes: Any, axis: Axis, comparison: Comparison) -> None:
    """Draw what stands in every panel: random, ours, the full run and the oracle."""
    for method, colour, width in ((RANDOM, style.FAINT, 1.2), (OURS, style.INK, 1.6)):
        for title in _titles(comparison, method):
            curve = comparison.curves.get(title)
            if curve is not None:
                _curve(axes, axis, curve, style.FamilyStyle(colour, "", "-"), width)
                if method == OURS:
                    _band(axes, axis, curve)
    for row in comparison.rows:
        if row.method == FULL or not row.deployable or row.method == OURS:
            look = style.look(row.family)
            _mark(axes, axis, row, style.FamilyStyle(style.INK, look.marker, "-"))


def _titles(comparison: Comparison, method: str) -> list[str]:
    return list(dict.fromkeys(row.title for row in comparison.rows if row.method == method))


def _seen(rows: Sequence[ResultRow], curve: Curve | None, floor: float) -> bool:
    """Tell whether a rule is right often enough anywhere to be in the picture."""
    found = [row.measures.accuracy.estimate for row in rows]
    if curve is not None:
        found += curve.accuracy.estimate.tolist()
    return max(found) >= floor


def _rule(
    axes: Any,
    axis: Axis,
    rule: tuple[str, Sequence[ResultRow], Curve | None],
    look: style.FamilyStyle,
) -> None:
    """Draw a rule: its curve, or without one a thin line through its operating points."""
    name, rows, curve = rule
    if curve is not None:
        _curve(axes, axis, curve, look, 1.4, name)
    else:
        points = [(axis.of(row.measures).estimate, row.measures.accuracy.estimate) for row in rows]
        x, y = np.array(points).T
        style_of = {"color": look.colour, "marker": "o", "markersize": 3}
        axes.plot(x, 100 * y, linewidth=0.7, label=name, linestyle=look.line, **style_of)
    for row in rows:
        _mark(axes, axis, row, look)


def _curve(
    axes: Any, axis: Axis, curve: Curve, look: style.FamilyStyle, width: float, name: str = ""
) -> None:
    x, y = axis.of(curve).estimate, 100 * curve.accuracy.estimate
    named = {"label": name} if name else {}
    axes.plot(x, y, color=look.colour, linestyle=look.line, linewidth=width, zorder=2, **named)


def _band(axes: Any, axis: Axis, curve: Curve) -> None:
    band: Band = curve.accuracy
    x = axis.of(curve).estimate
    axes.fill_between(
        x, 100 * band.low, 100 * band.high, color=style.FAINT, alpha=0.15, linewidth=0, zorder=1
    )


def _mark(axes: Any, axis: Axis, row: ResultRow, look: style.FamilyStyle) -> None:
    """Set a mark with its whiskers; a rule that was certified nothing is the full run, unmarked."""
    if row.threshold == float("inf"):
        return
    x: Interval = axis.of(row.measures)
    y = row.measures.accuracy
    filled = kind_of(row) in ("certified", "bound", "reference")
    _, _, bars = axes.errorbar(
        x.estimate,
        100 * y.estimate,
        xerr=[[x.estimate - x.low], [x.high - x.estimate]],
        yerr=[[100 * (y.estimate - y.low)], [100 * (y.high - y.estimate)]],
        color=look.colour,
        marker=look.marker,
        markersize=10 if look.marker == "*" else 5.5,
        markerfacecolor=look.colour if filled else "white",
        elinewidth=0.6,
        zorder=3,
    )
    for whisker in bars:
        whisker.set_alpha(0.5)


def _limit(axes: Any, axis: Axis, comparison: Comparison) -> None:
    """Show the tokens and the accuracies at which a rule is of use; curves go on beyond."""
    rows = comparison.rows
    spent = [axis.of(row.measures).high for row in rows]
    whole = [axis.of(row.measures).estimate for row in rows if row.method == FULL]
    most = min(max(spent), WIDEST * max(whole, default=max(spent)))
    least = [0.7 * axis.of(row.measures).low for row in rows if not row.deployable]
    axes.set_xlim(min(least, default=0.0), 1.03 * most)
    top = max(row.measures.accuracy.high for row in rows)
    axes.set_ylim(100 * _floor(comparison), 100 * min(1.0, top + 0.01))


def _floor(comparison: Comparison) -> float:
    """Return the least accuracy shown."""
    first = comparison.rows[0].measures
    return max(0.0, first.accuracy.estimate - first.change.estimate - DEPTH)
