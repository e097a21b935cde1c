"""A threshold for each ramp: a token leaves where ``1 - confidence`` is below its layer's own."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView

ABOVE = float(torch.finfo(torch.float32).tiny)
"""The rule's threshold, as it leaves where the margin is above 0."""


@dataclass
class OwnThresholds(Decider):
    """Apparate's exit test (arXiv 2312.05385): the score is ``theta - (1 - confidence)``.

    Attributes:
        layers: Ramps.
        thetas: Threshold of each; 0 never leaves, nor does a layer that is not named.
    """

    layers: tuple[int, ...] = ()
    thetas: tuple[float, ...] = ()

    def score(self, look: LayerView) -> Tensor:
        theta = dict(zip(self.layers, self.thetas, strict=True)).get(look.layer, 0.0)
        return theta - self.doubt(look)

    def doubt(self, look: LayerView) -> Tensor:
        """Return ``[n]``, 1 less the probability of the likeliest token."""
        return 1 - look.logits.softmax(-1).amax(-1)

    def confidences(self, scores: Tensor) -> Tensor:
        """Return the confidences behind scores at the ramps, ``[n, e]`` each."""
        return scores - torch.tensor(self.thetas) + 1
