"""The oracle: leave where the token is already the full model's; a bound, not a rule."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class OracleDecider(Decider):
    """1 where the head's token equals the full model's, else 0 (Duo-LLM, arXiv 2410.10846)."""

    needs_final: ClassVar[bool] = True

    def score(self, look: LayerView) -> Tensor:
        if look.final is None:
            raise ValueError("the oracle needs the full model's token: use shadow mode")
        return (look.tokens == look.final).float()
