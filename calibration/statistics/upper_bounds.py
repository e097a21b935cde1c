"""Upper confidence bounds on a mean loss, one per threshold: also for drawing risk curves."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from probexit.calibration.base import Array, require_binary
from probexit.calibration.statistics import bounds


class UpperBound(ABC):
    """A bound on the risk of each threshold, taken one at a time."""

    @abstractmethod
    def of(self, losses: Array, delta: float) -> Array:
        """Return ``[m]``: above the mean of its column of ``losses [n, m]`` with prob. 1 - delta.

        Raises:
            ValueError: when the bound does not hold for such losses.
        """


@dataclass(frozen=True)
class ClopperPearson(UpperBound):
    """Exact for losses of 0 or 1 (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404)."""

    def of(self, losses: Array, delta: float) -> Array:
        require_binary(losses, "Betting() or HoeffdingBentkus() as bound")
        return bounds.clopper_pearson_upper(losses.sum(axis=0), len(losses), delta)


@dataclass(frozen=True)
class Hoeffding(UpperBound):
    """The simplest, and the widest."""

    def of(self, losses: Array, delta: float) -> Array:
        return bounds.hoeffding_upper(losses.sum(axis=0), len(losses), delta)


@dataclass(frozen=True)
class HoeffdingBentkus(UpperBound):
    """The smallest risk that the Hoeffding-Bentkus test rejects (arXiv 2101.02703)."""

    def of(self, losses: Array, delta: float) -> Array:
        return bounds.hoeffding_bentkus_upper(losses.sum(axis=0), len(losses), delta)


@dataclass(frozen=True)
class Betting(UpperBound):
    """Waudby-Smith and Ramdas (arXiv 2010.09686); narrow when the losses vary little."""

    def of(self, losses: Array, delta: float) -> Array:
        return bounds.betting_upper(losses, delta)
