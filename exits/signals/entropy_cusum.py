"""Whether the entropy of the thinking has dropped for good (arXiv 2606.02020)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal


@dataclass(frozen=True)
class EntropyCusum(Signal):
    """Page's one-sided cumulative sum for a drop of the entropy per token, in nats.

    S = 0 before the thinking; S = max(0, S + reference - H) at each thinking token, H the entropy
    it was drawn from. So S stays near 0 while entropies lie above the reference and climbs once
    they lie below; a new doubt pulls it down again. The paper detects the same change with CUSUM;
    its exact increments and thresholds were not verified, so this is the textbook form.

    Attributes:
        reference: Entropy between that of the search and that of the certainty after it, nats.
    """

    per_token: ClassVar[bool] = True
    reference: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.reference < float("inf"):
            raise ValueError(f"reference={self.reference}: give an entropy, in nats")

    def scores(self, trace: Rollout) -> Tensor:
        gains = self.reference - trace.entropies[trace.begins :].double()
        walk = torch.nn.functional.pad(gains.cumsum(0), (1, 0))
        # a sum that restarts at 0 is the distance from the lowest point so far
        above = walk - walk.cummin(0).values
        return above[trace.cues.positions + 1 - trace.begins].float()
