"""The validation as one figure: every dot a re-drawn calibration set, the line the promise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from probexit.experiments.evaluation.figures import style
from probexit.experiments.risk_control.validation.validate import Verdict


def draw(verdicts: Sequence[Verdict]) -> Figure:
    """Draw one panel per level, one row of dots per calibration."""
    alphas = sorted({verdict.alpha for verdict in verdicts})
    figure, panels = style.canvas(1.6 + 3.4 * len(alphas), 3.2, len(alphas))
    for axes, alpha in zip(panels, alphas, strict=True):
        here = [verdict for verdict in verdicts if verdict.alpha == alpha][::-1]
        for height, verdict in enumerate(here):
            _dots(axes, verdict, height)
        axes.axvline(100 * alpha, color=style.INK, linewidth=1.5)
        first = axes is panels[0]
        axes.set_yticks(range(len(here)), [v.rule if first else "" for v in here])
        axes.set_ylim(-0.6, len(here) - 0.2)
        axes.set_xlim(left=0)
        axes.grid(axis="y", visible=False)
        style.label(axes, "problems lost, %", "", f"promised: at most {alpha:.0%}")
    return figure


def _dots(axes: Any, verdict: Verdict, height: int) -> None:
    """Spread the re-draws over the row's height; those that break the promise stand out."""
    rng = np.random.default_rng(0)
    jitter = height + rng.uniform(-0.22, 0.22, len(verdict.risks))
    over = verdict.risks > verdict.alpha
    axes.scatter(100 * verdict.risks[~over], jitter[~over], s=5, color=style.BLUE, linewidths=0)
    axes.scatter(
        100 * verdict.risks[over],
        jitter[over],
        s=12,
        marker="x",
        color=style.VERMILLION,
        linewidths=0.8,
    )
    axes.annotate(
        f"{verdict.broken.estimate:.0%} over",
        (1.0, height + 0.3),
        xycoords=("axes fraction", "data"),
        ha="right",
        fontsize=8,
        color=style.VERMILLION if verdict.broken.estimate > 0 else style.INK,
    )
