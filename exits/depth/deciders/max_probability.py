"""Maximum probability: how likely the likeliest token is."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class MaxProbability(Decider):
    """EE-LLM's condition (arXiv 2312.04916); one unembedding per exit layer."""

    def score(self, look: LayerView) -> Tensor:
        return look.logits.softmax(-1).amax(-1)
