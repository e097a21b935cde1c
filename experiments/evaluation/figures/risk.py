"""What was promised and what was seen: the certified risk of each rule beside the observed one."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow


def draw(comparison: Comparison) -> Figure:
    """Draw one line per rule with a threshold: promise as a bar end, observation with whiskers."""
    rows = [row for row in comparison.rows if row.threshold is not None][::-1]
    figure, (axes,) = style.canvas(8, 1.4 + 0.32 * len(rows))
    limit = _limit(rows)
    for height, row in enumerate(rows):
        _promise(axes, row, height)
        _observed(axes, row, height, limit)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.set_xlim(0, limit)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(axis="y", visible=False)
    style.label(axes, f"problems where {wording.loss(comparison)}, %", "")
    return figure


def _limit(rows: Sequence[ResultRow]) -> float:
    """End the axis soon after the promises: what lies beyond is written out."""
    promised = [100 * (row.promised or 0.0) for row in rows]
    kept = [100 * row.measures.risk.high for row in rows if row.promised]
    return max(5.0, 1.4 * max([*promised, *kept], default=0.0))


def _promise(axes: Any, row: ResultRow, height: int) -> None:
    if row.promised is None:
        return
    end = 100 * row.promised
    axes.barh(height, end, height=0.62, color="#dfe9f0", edgecolor="none", zorder=1)
    axes.plot([end, end], [height - 0.36, height + 0.36], color=style.INK, linewidth=2, zorder=2)


def _observed(axes: Any, row: ResultRow, height: int, limit: float) -> None:
    risk, look = row.measures.risk, style.look(row.family)
    low, seen, high = (100 * part for part in (risk.low, risk.estimate, risk.high))
    if seen > limit:
        axes.text(
            0.985 * limit,
            height,
            f"{seen:.0f} % \u2192",
            ha="right",
            va="center",
            fontsize=9,
            color=look.colour,
        )
        return
    axes.plot([low, min(high, limit)], [height, height], color=look.colour, linewidth=1.3, zorder=3)
    fill = look.colour if row.promised else "white"
    axes.plot(
        seen,
        height,
        marker=look.marker,
        markersize=7,
        color=look.colour,
        markerfacecolor=fill,
        linestyle="none",
        clip_on=False,  # a risk of nought is a whole mark
        zorder=4,
    )
