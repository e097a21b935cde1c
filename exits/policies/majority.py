"""Leave once most of the latest scores reach the threshold (TERMINATOR, arXiv 2603.12529)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Majority(ExitPolicy):
    """Exit when more than ``share`` of the last ``window`` scores are at least ``threshold``.

    Attributes:
        window: Scores that vote; fewer at the start.
        share: Share of the votes; more than this must agree.
    """

    window: int = 10
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window={self.window}: let at least 1 score vote")
        if not 0 <= self.share < 1:
            raise ValueError(f"share={self.share}: more than it must agree, so keep it in [0, 1)")

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        votes = scores[:, -self.window :]
        votes = torch.where(votes.isnan(), -torch.inf, votes)  # no number is no vote for leaving
        needed = int(self.share * votes.shape[1] + 1e-9) + 1  # more than the share
        return votes.sort(1, descending=True).values[:, needed - 1]
