"""Saturation: the state hardly changes direction any more."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cosine_similarity

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class Saturation(Decider):
    """Cosine of the states after and before the layer (CALM's ``state``, arXiv 2207.07061).

    Costs ``d`` operations.
    """

    def score(self, look: LayerView) -> Tensor:
        return cosine_similarity(look.hidden.float(), look.before.float(), dim=-1)
