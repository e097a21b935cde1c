"""Which thresholds of a grid may be trusted at once: the procedures inside Learn-then-Test.

Each bounds by delta the chance that *any* threshold it accepts has too high a risk, so the laxest
accepted one may be taken (arXiv 2110.01052).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array, Bools, require_level

Test = Callable[[Array], Array]  # losses [n, m] -> p-values [m]


class MultipleTesting(ABC):
    """A procedure that accepts thresholds from their losses, for one shared error."""

    @abstractmethod
    def accepted(self, losses: Array, test: Test, delta: float) -> Bools:
        """Return ``[m]``: the columns of ``losses [n, m]`` certified together at error delta."""


@dataclass(frozen=True)
class FixedSequence(MultipleTesting):
    """Test from strict to lax, each at the whole delta, and stop at the first failure.

    The threshold that failed is not accepted: the answer is the one before it.
    """

    def accepted(self, losses: Array, test: Test, delta: float) -> Bools:
        return _until_failure(test(losses) <= delta)


@dataclass(frozen=True)
class Bonferroni(MultipleTesting):
    """Test every threshold at ``delta / m``: no order needed, dear on a fine grid."""

    def accepted(self, losses: Array, test: Test, delta: float) -> Bools:
        return np.asarray(test(losses) <= delta / losses.shape[1], dtype=np.bool_)


@dataclass(frozen=True)
class SplitFixedSequence(MultipleTesting):
    """Learn the order of testing on the first rows, test in that order on the rest.

    For risks that do not rise from strict to lax. Rows must come in an order fixed without their
    losses (problems as drawn, or shuffled).

    Attributes:
        learn: Share of the problems that only decide the order.
    """

    learn: float = 0.3

    def __post_init__(self) -> None:
        require_level(learn=self.learn)

    def accepted(self, losses: Array, test: Test, delta: float) -> Bools:
        cut = round(self.learn * len(losses))
        accepted = np.zeros(losses.shape[1], dtype=np.bool_)
        if 0 < cut < len(losses):
            order = np.argsort(losses[:cut].mean(axis=0), kind="stable")
            accepted[order] = _until_failure(test(losses[cut:])[order] <= delta)
        return accepted


def _until_failure(passed: Bools) -> Bools:
    return np.asarray(np.logical_and.accumulate(passed), dtype=np.bool_)
