"""A threshold that starts high and decays: early tokens matter more, as errors spread from them."""

import math
from dataclasses import dataclass
from typing import Self

from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class Decaying(Decider):
    """Another decider under CALM's decaying threshold (arXiv 2207.07061, equation 5).

    With ``r = 0.1 exp(-decay s / length)`` at token ``s``, the inner score ``c`` must reach
    ``0.9 t + r``; that is ``(c - r) / 0.9`` reaching ``t``, and the former is the score.

    Attributes:
        inner: A decider with scores in [0, 1].
        decay: Temperature; 4 in the paper's code.
        length: Tokens of the longest text.
    """

    inner: Decider
    decay: float = 4.0
    length: int = 256

    @property
    def alone(self) -> bool:
        return False

    def score(self, look: LayerView) -> Tensor:
        raised = 0.1 * math.exp(-self.decay * look.step / self.length)
        return (self.inner.score(look) - raised) / 0.9

    def stops(self, look: LayerView) -> Tensor:
        return self.inner.stops(look)

    def fit(self, examples: Examples) -> Self:
        self.inner.fit(examples)
        return self
