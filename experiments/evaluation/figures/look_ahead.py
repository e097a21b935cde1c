"""How early a later answer's rightness can be read: AUROC against the distance in cues."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.figures import style
from probexit.experiments.fitting.look_ahead import LookAhead

CURVES = (
    ("any answer", style.BLUE, "o", "-"),
    ("an answer not yet given", style.VERMILLION, "^", (0, (5, 2))),
)


def draw(found: LookAhead) -> Figure:
    """Draw both curves with 95 % intervals over problems, each named at its end."""
    figure, (axes,) = style.canvas(6.4, 4.2)
    last = len(found.pooled) - 1
    dashes = (0, (4, 3))
    axes.plot([-0.25, last + 0.08], [0.5, 0.5], color=style.FAINT, linewidth=1, linestyle=dashes)
    names = [("guessing", style.FAINT, 0.5)]
    for shift, look, intervals in zip(
        (-0.04, 0.04), CURVES, (found.pooled, found.changed), strict=True
    ):
        end = _curve(axes, intervals, shift, look)
        if end is not None:
            names.append((look[0], look[1], end))
    low, high = axes.get_ylim()
    heights = style.spread([end for _, _, end in names], 0.06 * (high - low), low, high)
    for (name, colour, _), height in zip(names, heights, strict=True):
        axes.text(last + 0.12, height, name, va="center", fontsize=9, color=colour)
    axes.set_xlim(-0.25, last + 0.08 + 0.42 * max(last, 1))
    axes.set_xticks(range(last + 1), ["this cue", *(str(ahead) for ahead in range(1, last + 1))])
    style.label(axes, "cues ahead of the state that is read", "AUROC of that answer's rightness")
    return figure


def _curve(
    axes: Any, intervals: Sequence[Interval], shift: float, look: tuple[str, str, str, Any]
) -> float | None:
    """Draw one curve where it is known; return the height of its end."""
    _, colour, marker, line = look
    known = [(j + shift, i) for j, i in enumerate(intervals) if not math.isnan(i.estimate)]
    if not known:
        return None
    x, y = [at for at, _ in known], [interval.estimate for _, interval in known]
    axes.plot(x, y, color=colour, marker=marker, markersize=6, linewidth=1.6, linestyle=line)
    for at, interval in known:
        axes.plot([at, at], [interval.low, interval.high], color=colour, linewidth=1.1)
    return y[-1]
