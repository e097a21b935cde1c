"""Patience: several exits in a row would write the same token."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class PatienceDecider(Decider):
    """Number of exits before this one, in a row, that agree with it (PABEE, arXiv 2006.04152).

    The threshold is the patience; one unembedding per exit layer.
    """

    @property
    def alone(self) -> bool:
        return False

    def score(self, look: LayerView) -> Tensor:
        run = torch.zeros(len(look.hidden), device=look.hidden.device)
        unbroken = torch.ones_like(run, dtype=torch.bool)
        earlier = look.previous
        while earlier is not None:
            unbroken = unbroken & (earlier.tokens == look.tokens)
            run += unbroken
            earlier = earlier.previous
        return run
