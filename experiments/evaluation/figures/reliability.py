"""Does the probe mean what it says? Its score against how often stopping was right."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from probexit.calibration.metrics.reliability import ReliabilityDiagram
from probexit.experiments.evaluation.figures import style


def draw(diagram: ReliabilityDiagram) -> Figure:
    """Draw frequency against score with a 95 % band over problems, and the scores' histogram."""
    figure = Figure(figsize=(5, 5.6), dpi=style.DPI, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    style.plain(top)
    style.plain(bottom)
    _curve(top, diagram)
    width = np.diff(diagram.edges)
    bottom.bar(diagram.edges[:-1], diagram.count, width=0.94 * width, align="edge", color="#b9cfde")
    style.label(top, "", "stopping was right, %")
    style.label(bottom, "probe score, %", "cues")
    bottom.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    return figure


def _curve(axes: Any, diagram: ReliabilityDiagram) -> None:
    kept = diagram.count > 0
    x, y = diagram.score[kept], 100 * diagram.frequency[kept]
    axes.plot([0, 1], [0, 100], color=style.FAINT, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "as often as it says",
        (0.3, 30),
        (4, -12),
        textcoords="offset points",
        fontsize=9,
        color=style.FAINT,
    )
    axes.fill_between(
        x,
        100 * diagram.low[kept],
        100 * diagram.high[kept],
        color=style.BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(x, y, color=style.BLUE, marker="o", markersize=5, linewidth=1.6)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 100)
