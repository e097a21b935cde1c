"""Leave at random: the floor that any decider must beat at the same number of layers."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class AtRandom(Decider):
    """A number in [0, 1) per token and layer; the same for all rows, so batches do not matter.

    Attributes:
        seed: Seed of the numbers.
    """

    seed: int = 0

    @property
    def alone(self) -> bool:
        return False

    def score(self, look: LayerView) -> Tensor:
        rows = len(look.hidden)
        key = hash((self.seed, look.step, look.layer)) & 0xFFFFFFFF
        generator = torch.Generator().manual_seed(key)
        if look.final is None:
            return torch.rand(1, generator=generator).expand(rows).to(look.hidden.device)
        # Recorded examples are one look of many tokens: each gets its own number.
        return torch.rand(rows, generator=generator).to(look.hidden.device)
