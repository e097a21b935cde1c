"""Leave after a fixed number of cues, whatever the scores: the baseline every rule must beat."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Budget(ExitPolicy):
    """Exit at the first cue whose number is at least ``threshold``; scores are not looked at.

    A budget in *tokens* is the ``Position`` signal under the ``Threshold`` policy.
    """

    threshold: float = 4.0

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        return torch.full_like(scores[:, 0], scores.shape[1])
