"""Think to the end: the full run, as a policy."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Never(ExitPolicy):
    """Never exit."""

    threshold: float = float("inf")

    def should_exit(self, scores: Tensor) -> Tensor:
        return torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
