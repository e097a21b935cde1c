"""Conformal risk control: the expected loss of a new problem, for losses between 0 and 1.

Angelopoulos, Bates, Fisch, Lei and Schuster (arXiv 2208.02814, theorem 1). It needs a loss that is
monotone in the threshold, which a first-crossing loss is not, so it runs on the monotonised one
(the same remark in arXiv 2405.20915); with losses of 0 or 1 it is exactly split conformal on the
strictest losing threshold.
"""

from dataclasses import dataclass
from typing import ClassVar

from probexit.calibration.base import Array, Calibrator, checked, laxest, monotonised
from probexit.calibration.statistics.bounds import exact


@dataclass(frozen=True)
class ConformalRisk(Calibrator):
    """Take the laxest threshold with ``(sum of monotonised losses + 1) / (n + 1) <= alpha``."""

    promise: ClassVar[str] = (
        "The expected loss of a new problem is at most {alpha:g}, on average over calibration "
        "draws. Assumes that calibration and new problems are exchangeable, under one decoding "
        "policy."
    )

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        budget = float((len(table) + 1) * exact(self.alpha) - 1)
        return laxest(thresholds, monotonised(table).sum(axis=0) <= budget)
