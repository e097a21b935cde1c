"""Raise the end of the thinking at every step (arXiv 2506.02536, method 2)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.interventions.closing_tag import ClosingTag


@dataclass(frozen=True)
class EndBoost(ClosingTag):
    """``logit[</think>] += strength * (max(logits) - mean(logits))``, until it is written.

    Attributes:
        strength: The paper's alpha: .6 in its main table, .2 to .4 recommended by its ablation.
            At 1 a token of mean logit is lifted to the largest.
    """

    strength: float = 0.6

    def gain(self, logits: Tensor, stop: Tensor) -> Tensor:
        finite = logits.isfinite()  # a processor before this one may have ruled tokens out
        mean = torch.where(finite, logits, 0.0).sum(-1) / finite.sum(-1)
        return self.strength * (logits.amax(-1) - mean)
