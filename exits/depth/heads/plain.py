"""The model's own norm and unembedding at every layer (CALM, LayerSkip, the "logit lens")."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.heads.base import Head


@dataclass
class PlainHead(Head):
    """Leaves the state as it is; early layers of models not trained for it read poorly."""

    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        return hidden
