"""Observed risk against every certified level."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.risk_levels import LevelOutcome


def draw(outcomes: Sequence[LevelOutcome]) -> Figure:
    """Draw observed risk with its 95 % interval and thinking saved, level by level.

    Args:
        outcomes: From the strictest level to the laxest.
    """
    figure, (left, right) = style.canvas(9, 3.9, columns=2)
    levels = [100 * each.alpha for each in outcomes]
    top = max(levels)
    left.plot([0, top], [0, top], color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
    left.annotate(
        "as much as was asked for",
        (0.97 * top, 0.97 * top),
        (-14, 0),
        textcoords="offset points",
        fontsize=9,
        ha="right",
        va="top",
    )
    for axes, colour, column in (
        (left, style.VERMILLION, [each.risk for each in outcomes]),
        (right, style.BLUE, [each.saved for each in outcomes]),
    ):
        low, middle, high = (
            [100 * getattr(part, name) for part in column] for name in ("low", "estimate", "high")
        )
        axes.fill_between(levels, low, high, step="mid", color=colour, alpha=0.18, linewidth=0)
        axes.step(levels, middle, where="mid", color=colour, linewidth=1.8)
        axes.set_xlim(0, top)
        axes.set_ylim(bottom=0)
    style.label(left, "certified level, %", "observed risk, % of problems")
    style.label(right, "certified level, %", "thinking tokens saved, %")
    return figure
