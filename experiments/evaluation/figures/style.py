"""One look for all figures: readable in grey and by the colour-blind, labelled directly.

The palette is that of Okabe and Ito ("Color universal design", 2008); families differ by marker
and line as well. No pyplot: figures are plain objects, and nothing global changes.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

INK, FAINT = "#222222", "#8a8a8a"
BLUE, VERMILLION, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#A0568A", "#C98900"
SKY = "#3A9BD9"
DPI = 150


@dataclass(frozen=True)
class FamilyStyle:
    """How a family of rules is drawn."""

    colour: str
    marker: str
    line: Any


LOOKS = {
    "reference": FamilyStyle(INK, "s", "-"),
    "no signal": FamilyStyle(FAINT, "X", (0, (1, 1.5))),
    "trial answers": FamilyStyle(VERMILLION, "^", (0, (5, 2))),
    "logits": FamilyStyle(PURPLE, "D", (0, (5, 1.5, 1, 1.5))),
    "text": FamilyStyle(GREEN, "v", (0, (3, 1, 1, 1, 1, 1))),
    "hidden states": FamilyStyle(BLUE, "o", "-"),
    "steering": FamilyStyle(SKY, "<", "--"),
    "intervention": FamilyStyle(VERMILLION, ">", ":"),
    "before thinking": FamilyStyle(ORANGE, "p", "-."),
    "several samples": FamilyStyle(GREEN, "h", "--"),
    "more compute": FamilyStyle(GREEN, "P", ":"),
    "answer or abstain": FamilyStyle(PURPLE, "d", ":"),
    "two models": FamilyStyle(BLUE, "8", "-."),
    "bound": FamilyStyle(INK, "*", "-"),
}
OTHER = FamilyStyle(ORANGE, "P", "--")


def look(family: str) -> FamilyStyle:
    """Return how a family is drawn; families without a look of their own share one."""
    return LOOKS.get(family, OTHER)


def canvas(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    """Return an empty figure, its size in inches, and its axes from left to right."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for each in axes:
        plain(each)
    return figure, axes


def plain(axes: Any) -> None:
    """Take the box away and set small type and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.grid(color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)


def label(axes: Any, x: str, y: str, title: str = "") -> None:
    """Name the axes, and say what is seen above them, at the left."""
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    if title:
        axes.set_title(title, fontsize=11, color=INK, loc="left")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart: the heights nearest to those wanted, at least ``gap`` apart.

    The gap shrinks if they do not all fit between ``low`` and ``high``. Least squares under order
    (pool adjacent violators), after taking the gaps out.
    """
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[tuple[float, int]] = []  # mean of (wanted - own gaps), size
    for rank, i in enumerate(order):
        mean, size = wanted[i] - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    top = high - (len(wanted) - 1) * gap
    flat = [min(max(mean, low), top) for mean, size in blocks for _ in range(size)]
    found = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        found[i] = flat[rank] + rank * gap
    return found


def png(figure: Figure) -> bytes:
    """Render a figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    return buffer.getvalue()
