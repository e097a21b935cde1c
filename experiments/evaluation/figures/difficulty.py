"""Saving and loss by how long the full run thought."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.difficulty import DifficultyGroup
from probexit.experiments.evaluation.figures import style


def draw(groups: Sequence[DifficultyGroup], promised: float | None) -> Figure:
    """Draw what is saved and what is lost in each group, with 95 % intervals over problems.

    Args:
        groups: Shortest thinking first.
        promised: The certified risk, which is about all problems together; None draws none.
    """
    figure, (left, right) = style.canvas(9, 3.8, columns=2)
    _bars(left, groups, lambda group: group.saved, style.BLUE)
    _bars(right, groups, lambda group: group.lost, style.VERMILLION)
    if promised is not None:
        right.axhline(100 * promised, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
        right.annotate(
            "promised over all",
            (-0.45, 100 * promised),
            (0, 4),
            textcoords="offset points",
            fontsize=9,
        )
    style.label(left, "thinking tokens of the full run", "of its thinking saved, %")
    style.label(right, "thinking tokens of the full run", "right answers lost, % of problems")
    return figure


def _bars(
    axes: Any,
    groups: Sequence[DifficultyGroup],
    value: Callable[[DifficultyGroup], Interval],
    colour: str,
) -> None:
    found = [value(group) for group in groups]
    heights = [100 * each.estimate for each in found]
    whiskers = [
        [100 * (each.estimate - each.low) for each in found],
        [100 * (each.high - each.estimate) for each in found],
    ]
    axes.bar(range(len(groups)), heights, color=colour, alpha=0.35, width=0.7)
    axes.errorbar(
        range(len(groups)), heights, whiskers, fmt="o", color=colour, capsize=3, markersize=5
    )
    names = [f"{g.shortest} to {g.longest}\n{g.problems} problems" for g in groups]
    axes.set_xticks(range(len(groups)), names)
    axes.axhline(0, color=style.FAINT, linewidth=1)
