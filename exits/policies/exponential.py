"""Leave when the exponential moving average of the scores reaches the threshold."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Exponential(ExitPolicy):
    """Exit when ``m_t = (1 - weight) m_{t-1} + weight s_t``, ``m_1 = s_1``, reaches ``threshold``.

    Attributes:
        weight: Weight of the newest score; 1 is the plain threshold.
    """

    weight: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight={self.weight}: give the newest score a weight in (0, 1]")

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        first, *later = scores.unbind(1)
        mean = first
        for score in later:
            mean = (1 - self.weight) * mean + self.weight * score
        return mean
