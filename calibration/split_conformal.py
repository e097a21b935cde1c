"""Split conformal on each problem's strictest losing threshold: a marginal promise, no delta.

The construction of Xie et al., "Statistical Early Stopping" (ICML 2026), and of
arXiv 2107.07511, applied to whole trajectories instead of single cues.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from probexit.calibration.base import Array, Calibrator, checked, laxest, require_binary
from probexit.calibration.statistics.bounds import rank


@dataclass(frozen=True)
class SplitConformal(Calibrator):
    """Stay strictly above the conformal quantile of the strictest threshold that loses.

    The score of problem i is ``M_i``, the strictest threshold of the grid at which it loses (-inf
    if none). The next problem has ``M <= q``, the k-th smallest of n, with probability at least
    ``1 - alpha``. A rule that exits at ``score >= q`` still loses where ``M = q``, so the answer
    is the laxest grid value *strictly* above q.
    """

    promise: ClassVar[str] = (
        "A new problem loses with probability at most {alpha:g}, on average over calibration draws "
        "and new problems. Assumes that calibration and new problems are exchangeable, under one "
        "decoding policy."
    )

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        require_binary(table, "ConformalRisk")
        return above_rank(table, thresholds, rank(len(table), self.alpha))


def above_rank(losses: Array, grid: Array, k: int) -> float:
    """Return the laxest of ``grid [m]`` strictly above the k-th smallest :func:`strictest_loss`.

    ``inf`` when ``k`` exceeds the number of rows of ``losses [n, m]``.
    """
    if k > len(losses):
        return float("inf")
    return laxest(grid, grid > np.sort(strictest_loss(losses, grid))[k - 1])


def strictest_loss(losses: Array, grid: Array) -> Array:
    """Return ``[n]``: the strictest threshold at which each row of ``losses [n, m]`` loses.

    ``-inf`` for a problem that never loses: no threshold of the grid is unsafe for it.
    """
    lost = losses > 0
    return np.where(lost.any(axis=1), grid[lost.argmax(axis=1)], -np.inf)
