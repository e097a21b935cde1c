"""Leave when the rolling mean of the scores reaches the threshold (arXiv 2505.18404, window 10)."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Smoothed(ExitPolicy):
    """Exit when the mean of the last ``window`` scores (fewer at the start) reaches ``threshold``.

    Attributes:
        window: Scores averaged.
    """

    window: int = 3

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window={self.window}: average at least 1 score")

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        return scores[:, -self.window :].mean(1)
