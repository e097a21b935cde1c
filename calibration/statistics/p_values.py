"""How unlikely an observed loss is if the risk were too high: the tests inside Learn-then-Test."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array, require_binary, require_level
from probexit.calibration.statistics.bounds import (
    betting_log_wealth,
    binomial_p,
    hoeffding_bentkus_p,
)


class PValue(ABC):
    """A test of "the risk at this threshold exceeds alpha", one per column."""

    @abstractmethod
    def of(self, losses: Array, alpha: float) -> Array:
        """Return p-values ``[m]`` from ``losses [n, m]`` of independent problems.

        If the risk of a column exceeds alpha, its p-value is below d with probability at most d.

        Raises:
            ValueError: when the test does not hold for such losses.
        """


@dataclass(frozen=True)
class Binomial(PValue):
    """The exact binomial tail, for losses of 0 or 1; no other test is sharper there."""

    def of(self, losses: Array, alpha: float) -> Array:
        require_binary(losses, "HoeffdingBentkusTail() or WSR() as p_value")
        return binomial_p(losses.sum(axis=0), len(losses), alpha)


@dataclass(frozen=True)
class HoeffdingBentkusTail(PValue):
    """The Hoeffding-Bentkus tail (arXiv 2110.01052), for losses in [0, 1]."""

    def of(self, losses: Array, alpha: float) -> Array:
        return hoeffding_bentkus_p(losses.sum(axis=0), len(losses), alpha)


@dataclass(frozen=True)
class WSR(PValue):
    """Betting (arXiv 2010.09686), for losses in [0, 1]; sharp when their variance is small.

    It reads the rows in order, so the problems must come in an order fixed without their losses.

    Attributes:
        sharpest: The p-value around which the bets win most; any value is valid.
    """

    sharpest: float = 0.1

    def __post_init__(self) -> None:
        require_level(sharpest=self.sharpest)

    def of(self, losses: Array, alpha: float) -> Array:
        return np.minimum(1.0, np.exp(-betting_log_wealth(losses, alpha, self.sharpest)))
