"""Think to the end: the full run, as a policy."""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Never(ExitPolicy):
    """Never exit."""

    threshold: float = inf

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        return torch.full_like(scores[:, 0], -inf)
