"""Accuracy against tokens: every rule of the table, with its error bars."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.results import Comparison, ResultRow

SHOWN = 0.10  # accuracy lost, or twice what a certified rule loses: lower ones sit on the edge


def draw(comparison: Comparison) -> Figure:
    """Draw one point per row; the best rules are at the top left.

    Whiskers are 95 % intervals over problems. Tokens are all that a rule pays for. Rules far below
    the others sit on the lower edge, their accuracy written out.
    """
    figure, (axes,) = style.canvas(9, max(4.5, 1 + 0.3 * len(comparison.rows)))
    first = comparison.rows[0].measures
    full = first.accuracy.estimate - first.change.estimate
    low, high = _limits(comparison.rows, full)
    for row in comparison.rows:
        _point(axes, row, low)
    axes.axhline(100 * full, color=style.FAINT, linewidth=0.8, zorder=1)
    axes.set_xlim(left=0)
    axes.set_ylim(100 * low, 100 * high)
    _name(axes, sorted(comparison.rows, key=lambda row: row.measures.accuracy.estimate), low)
    style.label(axes, "tokens per problem, all counted", "right answers, %")
    return figure


def _limits(rows: Sequence[ResultRow], full: float) -> tuple[float, float]:
    kept = [row.measures.accuracy.estimate for row in rows if row.promised]
    depth = max(SHOWN, 2 * (full - min(kept, default=full)))
    tops = [row.measures.accuracy.high for row in rows]
    return max(0.0, full - depth), min(1.0, max(tops)) + 0.1 * depth


def _point(axes: Any, row: ResultRow, low: float) -> None:
    look, x, y = style.look(row.family), row.measures.total, row.measures.accuracy
    inside = y.estimate >= low
    axes.errorbar(
        x.estimate,
        100 * max(y.estimate, low),
        xerr=[[x.estimate - x.low], [x.high - x.estimate]],
        yerr=[[100 * (y.estimate - y.low)], [100 * (y.high - y.estimate)]] if inside else None,
        color=look.colour,
        marker=look.marker,
        markersize=11 if look.marker == "*" else 7,
        markerfacecolor=look.colour if row.promised else "white",
        elinewidth=0.9,
        capsize=0,
        clip_on=inside,
        zorder=3,
    )


def _name(axes: Any, rows: Sequence[ResultRow], low: float) -> None:
    """Write the names in a column at the right, in the order of height, tied to their points."""
    bottom, top = axes.get_ylim()
    heights = [100 * max(row.measures.accuracy.estimate, low) for row in rows]
    places = style.spread(heights, (top - bottom) / max(len(rows), 14), bottom, top)
    for row, height, place in zip(rows, heights, places, strict=True):
        seen = row.measures.accuracy.estimate
        text = row.name if seen >= low else f"{row.name} \u2193 {100 * seen:.0f} %"
        axes.annotate(
            text,
            xy=(row.measures.total.estimate, height),
            xytext=(1.04, (place - bottom) / (top - bottom)),
            textcoords="axes fraction",
            fontsize=8.5,
            va="center",
            color=style.look(row.family).colour,
            arrowprops={
                "arrowstyle": "-",
                "color": "#c8c8c8",
                "linewidth": 0.6,
                "shrinkB": 5,
                "relpos": (0, 0.5),
            },
        )
