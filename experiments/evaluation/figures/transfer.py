"""Where the promise stops: certified against observed risk on each target, before and after."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.transfer import UNCHANGED, Moved


def draw(rows: Sequence[Moved], alpha: float) -> Figure:
    """Draw two marks per target: the rule unchanged (hollow) and re-calibrated there (filled).

    Left: observed risk with its 95 % interval, the certified risk as a line; red where the whole
    interval lies beyond it. Right: the thinking that is saved for it.

    Args:
        rows: What ``transfer`` returned.
        alpha: The certified risk.
    """
    targets = list(dict.fromkeys(row.target for row in rows))
    figure = Figure(figsize=(9.5, 1.5 + 0.55 * len(targets)), dpi=style.DPI, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for axes in (left, right):
        style.plain(axes)
        axes.grid(axis="y", visible=False)
    left.axvline(100 * alpha, color=style.INK, linewidth=1.2, zorder=1)
    for row in rows:
        place = len(targets) - 1 - targets.index(row.target)
        _mark(left, right, row, place + (0.14 if row.stage == UNCHANGED else -0.14))
    settings = {row.target: row.setting for row in rows}
    labels = [f"{name}\n{settings[name]}" for name in targets[::-1]]
    left.set_yticks(range(len(targets)), labels)
    left.set_ylim(-0.6, len(targets) - 0.4)
    left.set_xlim(left=0)
    right.set_xlim(0, 100)
    style.label(left, f"observed risk, % (line: certified, {100 * alpha:g} %)", "")
    style.label(right, "thinking saved, %", "")
    left.set_title(
        "hollow: unchanged   filled: re-calibrated there   orange: promise broken",
        fontsize=9,
        color=style.INK,
        loc="left",
    )
    return figure


def _mark(left: Any, right: Any, row: Moved, height: float) -> None:
    colour = style.VERMILLION if row.broken else style.BLUE
    fill = "white" if row.stage == UNCHANGED else colour
    marked = {"color": colour, "marker": "o", "markersize": 6.5, "markerfacecolor": fill}
    for axes, interval in ((left, row.measures.risk), (right, row.measures.saved)):
        ends = [100 * interval.low, 100 * interval.high]
        axes.plot(ends, [height, height], color=colour, linewidth=1.3, zorder=2)
        axes.plot(100 * interval.estimate, height, zorder=3, clip_on=False, **marked)
    if row.certified is None:
        room = {"textcoords": "offset points", "fontsize": 8, "va": "center", "color": colour}
        at = (100 * row.measures.saved.estimate, height)
        right.annotate("nothing certified: thinks on", at, (8, 0), **room)
    elif row.broken:
        room = {"textcoords": "offset points", "fontsize": 8, "va": "center", "color": colour}
        seen = f"{wording.percent(row.measures.risk).split(' ')[0]} %"
        left.annotate(seen, (100 * row.measures.risk.high, height), (6, 0), **room)
