"""Split conformal with confidence: a tolerance order statistic of the strictest losing threshold.

Wilks (1941, doi 10.1214/aoms/1177731788); the confidence threshold of E-valuator
(arXiv 2512.03109). Equal to the binomial test on the monotonised loss.
"""

from dataclasses import dataclass
from typing import ClassVar

from probexit.calibration.base import Array, ConfidentCalibrator, checked, require_binary
from probexit.calibration.split_conformal import above_rank
from probexit.calibration.statistics.bounds import tolerance_rank


@dataclass(frozen=True)
class Tolerance(ConfidentCalibrator):
    """Stay strictly above the order statistic that covers ``1 - alpha`` of all problems."""

    promise: ClassVar[str] = (
        "With confidence {confidence:.0%} over the draw of the calibration problems, a share of at "
        "most {alpha:g} of new problems loses, at this threshold or at any stricter one. Assumes "
        "independent draws from one distribution, under one decoding policy."
    )

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        require_binary(table, "UpperConfidence")
        return above_rank(table, thresholds, tolerance_rank(len(table), self.alpha, self.delta))
