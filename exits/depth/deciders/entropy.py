"""Entropy of the head's distribution: the lower, the surer."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView


def entropy(logits: Tensor) -> Tensor:
    """Return the entropy in nats, ``[..., V]`` to ``[...]``; a probability of 0 adds 0."""
    surprise: Tensor = torch.special.entr(logits.softmax(-1))
    return surprise.sum(-1)


@dataclass
class Entropy(Decider):
    """One less the entropy as a share of its maximum, in [0, 1] (DeeBERT, ACL 2020)."""

    def score(self, look: LayerView) -> Tensor:
        return 1 - entropy(look.logits) / math.log(look.logits.shape[-1])
