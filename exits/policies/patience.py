"""Leave once several scores in a row reach the threshold (BLADE, arXiv 2607.28966: two accepts)."""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Patience(ExitPolicy):
    """Exit when the last ``patience`` scores are all at least ``threshold``.

    Attributes:
        patience: Accepts in a row; 1 is the plain threshold.
    """

    patience: int = 2

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience={self.patience}: give at least 1 accept in a row")

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        if scores.shape[1] < self.patience:
            return torch.full_like(scores[:, 0], -inf)
        return scores[:, -self.patience :].amin(1)
