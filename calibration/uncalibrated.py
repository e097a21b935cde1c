"""The naive baseline: trust the calibration average. It breaks its level about half the time."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.calibration.base import Array, Calibrator, checked, laxest
from probexit.calibration.statistics.bounds import exact


@dataclass(frozen=True)
class Uncalibrated(Calibrator):
    """Take the laxest threshold whose average loss is at most alpha ("naive" of arXiv 2405.20915).

    A member so that no comparison can leave it out.
    """

    promise: ClassVar[str] = (
        "Nothing: the average loss on the calibration problems was at most {alpha:g}, and the "
        "threshold was chosen for that."
    )

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        return laxest(thresholds, table.sum(axis=0) <= float(len(table) * exact(self.alpha)))
