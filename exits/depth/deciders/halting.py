"""Halt a token whose state hardly moves and whose prediction is sharp (QuickSilver, 2506.22396)."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.entropy import entropy
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class Halting(Decider):
    """Both of QuickSilver's signals: the drift of the state, and the entropy of its prediction.

    A token halts where the drift ``|h_l - h_(l-1)| / |h_(l-1)|`` and the entropy are *both* small.
    The paper's two thresholds were not found; so that one threshold serves, each signal is read as
    the share of recorded tokens that are not below it at this layer, and the score is the smaller
    of the two shares: at a threshold of .8 both lie in their smallest fifth. Drift is relative, as
    norms grow with depth. The paper's fusion of tokens and its quantisation are not part of this.
    """

    def __post_init__(self) -> None:
        self.seen_: dict[str, Tensor] = {}

    def score(self, look: LayerView) -> Tensor:
        if f"{look.layer}.drift" not in self.seen_:
            raise self._unfitted(look.layer)
        shares = [
            _share_not_below(self.seen_[f"{look.layer}.{name}"].to(values.device), values)
            for name, values in _signals(look).items()
        ]
        lower: Tensor = torch.minimum(*shares)
        return lower

    def fit(self, examples: Examples) -> Self:
        for look in examples.looks():
            for name, values in _signals(look).items():
                self.seen_[f"{look.layer}.{name}"] = values.sort().values.cpu()
        return self

    def state(self) -> dict[str, Tensor]:
        return dict(self.seen_)

    def restore(self, state: dict[str, Tensor]) -> None:
        self.seen_ = dict(state)


def relative_drift(hidden: Tensor, before: Tensor) -> Tensor:
    """Return how far a layer moved states, ``[n, d]`` and ``[n, d]`` to ``[n]``, in their norms."""
    moved = (hidden.float() - before.float()).norm(dim=-1)
    drift: Tensor = moved / before.float().norm(dim=-1).clamp(min=1e-12)
    return drift


def _signals(look: LayerView) -> dict[str, Tensor]:
    return {"drift": relative_drift(look.hidden, look.before), "entropy": entropy(look.logits)}


def _share_not_below(ordered: Tensor, values: Tensor) -> Tensor:
    """Return the share of ``ordered [m]`` that is at least each of ``values [n]``, ``[n]``."""
    below = torch.searchsorted(ordered, values.contiguous())
    share: Tensor = 1 - below.double() / len(ordered)
    return share
