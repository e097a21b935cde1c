"""Learn-then-Test: a threshold whose risk is at most alpha, with confidence 1 - delta.

Angelopoulos, Bates, Candes, Jordan and Lei (arXiv 2110.01052). It needs no monotone loss, which
suits a first-crossing rule: a laxer threshold may exit elsewhere and lose less.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from probexit.calibration.base import Array, ConfidentCalibrator, checked, laxest
from probexit.calibration.statistics.multiple_testing import FixedSequence, MultipleTesting
from probexit.calibration.statistics.p_values import Binomial, PValue


@dataclass(frozen=True)
class LearnThenTest(ConfidentCalibrator):
    """Test each threshold for "its risk exceeds alpha" and keep the laxest one rejected.

    Attributes:
        p_value: The test; the exact binomial one for losses of 0 or 1.
        testing: How the tests share delta; fixed-sequence spends nothing on the grid's size.
    """

    promise: ClassVar[str] = (
        "With confidence {confidence:.0%} over the draw of the calibration problems, the expected "
        "loss of a new problem is at most {alpha:g}. Assumes calibration and new problems are "
        "independent draws from one distribution, under one decoding policy."
    )
    p_value: PValue = field(default_factory=Binomial)
    testing: MultipleTesting = field(default_factory=FixedSequence)

    def select(self, losses: Array, grid: Array) -> float:
        table, thresholds = checked(losses, grid)
        test = partial(self.p_value.of, alpha=self.alpha)
        return laxest(thresholds, self.testing.accepted(table, test, self.delta))
