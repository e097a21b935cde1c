"""Softmax gap: probability of the likeliest token less that of the second."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class Gap(Decider):
    """CALM's ``softmax_diff`` (arXiv 2207.07061, section 3.5); one unembedding per exit layer."""

    def score(self, look: LayerView) -> Tensor:
        top = look.logits.softmax(-1).topk(2).values
        return top[:, 0] - top[:, 1]
