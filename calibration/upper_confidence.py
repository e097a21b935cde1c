"""Risk-controlling thresholds by upper confidence bounds (RCPS).

Bates, Angelopoulos, Lei, Malik and Jordan (arXiv 2101.02703, theorem 1): for a monotone loss,
pointwise bounds suffice, whatever the size of the grid.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from probexit.calibration.base import Array, ConfidentCalibrator, checked, laxest, monotonised
from probexit.calibration.statistics.upper_bounds import Betting, UpperBound


@dataclass(frozen=True)
class UpperConfidence(ConfidentCalibrator):
    """Relax while the bound on the monotonised loss stays at or below alpha.

    Attributes:
        bound: The upper confidence bound; betting by default, for losses in [0, 1].
    """

    promise: ClassVar[str] = (
        "With confidence {confidence:.0%} over the draw of the calibration problems, the expected "
        "loss of a new problem, at this threshold and at every stricter one, is at most {alpha:g}. "
        "Assumes independent draws from one distribution, under one decoding policy."
    )
    bound: UpperBound = field(default_factory=Betting)

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        below = self.bound.of(monotonised(table), self.delta) <= self.alpha
        return laxest(thresholds, np.logical_and.accumulate(below))
