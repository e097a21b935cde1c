"""Where in the model and when in the thinking rightness can be read: AUROC by layer and cue."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.evaluation.layers import LayerMap

DARK = 0.82  # above this AUROC the cell is dark, and its number white


def draw(layer_map: LayerMap) -> Figure:
    """Draw a heat map (layer by cue), and beside it each layer over all cues with its interval."""
    rows, columns = layer_map.by_cue.shape
    figure = Figure(
        figsize=(3.4 + 0.55 * columns, 1.6 + 0.36 * rows), dpi=style.DPI, layout="constrained"
    )
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[max(columns, 3), 3.2])
    style.plain(right)
    _map(left, layer_map)
    _bars(right, layer_map)
    left.set_yticks(range(rows), [str(layer) for layer in layer_map.layers])
    left.set_ylim(-0.5, rows - 0.5)
    style.label(left, "cue, counted from the start of the thinking", "layer", "AUROC at each cue")
    style.label(right, "AUROC", "", "all cues")
    return figure


def _map(axes: Any, layer_map: LayerMap) -> None:
    columns = layer_map.by_cue.shape[1]
    axes.imshow(layer_map.by_cue, cmap="Blues", vmin=0.45, vmax=1.0, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(layer_map.by_cue):
        text = "\u2013" if np.isnan(value) else f"{value:.2f}".lstrip("0")
        ink = "white" if value > DARK else style.INK
        axes.text(column, row, text, ha="center", va="center", fontsize=8.5, color=ink)
    axes.set_xticks(range(columns), [str(k + 1) for k in range(columns)])
    axes.tick_params(labelsize=9, length=0)
    axes.spines[:].set_visible(False)


def _bars(axes: Any, layer_map: LayerMap) -> None:
    best = max(interval.estimate for interval in layer_map.pooled)
    for row, interval in enumerate(layer_map.pooled):
        colour = style.BLUE if interval.estimate == best else style.FAINT
        axes.plot([interval.low, interval.high], [row, row], color=colour, linewidth=1.3)
        axes.plot(interval.estimate, row, marker="o", markersize=6, color=colour)
        axes.annotate(
            f"{interval.estimate:.3f}",
            (interval.estimate, row),
            (0, 6),
            fontsize=8,
            ha="center",
            textcoords="offset points",
            color=colour,
        )
    axes.axvline(0.5, color=style.FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.grid(axis="y", visible=False)
    axes.tick_params(labelleft=False)
