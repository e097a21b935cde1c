"""One exit layer per position of the text, the same for every row of a batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class Schedule(Decider):
    """Depth falls linearly with the position (SkipDecode, arXiv 2307.02628, section 3).

    The score is the layers run, less those scheduled, as a share of all: 0 is the schedule itself,
    a lower threshold leaves earlier. SkipDecode skips lower layers; here, as everywhere in this
    package, it is the upper ones.

    Attributes:
        deepest: Share of the layers that the first token runs.
        shallowest: Share that tokens from ``length`` on run.
        length: Tokens over which the depth falls.
    """

    deepest: float = 1.0
    shallowest: float = 0.5
    length: int = 128

    @property
    def alone(self) -> bool:
        return self.deepest == self.shallowest

    def score(self, look: LayerView) -> Tensor:
        along = min(1.0, (look.step - 1) / max(1, self.length - 1))
        scheduled = self.deepest + along * (self.shallowest - self.deepest)
        depth = (look.layer + 1) / look.readout.depth
        return torch.full((len(look.hidden),), depth - scheduled, device=look.hidden.device)
