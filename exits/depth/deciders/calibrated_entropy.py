"""Entropy turned into the agreement to expect of tokens at least as sure."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.entropy import entropy
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView


@dataclass
class CalibratedEntropy(Decider):
    """Per head: leave at the largest entropy up to which a given share of tokens agreed.

    The threshold is that share (self-supervised early exits, arXiv 2407.21082: of the tokens sorted
    by entropy, the largest entropy whose cumulative agreement is at least the share). It is no
    guarantee: heads are calibrated one by one, on teacher-forced text, without a correction for
    the sample's size.
    """

    def __post_init__(self) -> None:
        self.curves_: dict[str, Tensor] = {}

    def score(self, look: LayerView) -> Tensor:
        if f"{look.layer}.entropy" not in self.curves_:
            raise self._unfitted(look.layer)
        entropies, shares = (
            self.curves_[f"{look.layer}.{name}"].to(look.hidden.device)
            for name in ("entropy", "level")
        )
        # A token between two recorded entropies is as safe as the next larger one.
        index = torch.searchsorted(entropies, entropy(look.logits))
        return torch.cat([shares, shares.new_zeros(1)])[index]

    def fit(self, examples: Examples) -> Self:
        agreement = examples.agreement().float()
        for e, look in enumerate(examples.looks()):
            entropies, order = entropy(look.logits).sort()
            right = agreement[order, e].cumsum(0) / torch.arange(1, len(order) + 1).to(order.device)
            shares = right.flip(0).cummax(0).values.flip(0)
            self.curves_[f"{look.layer}.entropy"] = entropies.cpu()
            self.curves_[f"{look.layer}.level"] = shares.cpu()
        return self

    def state(self) -> dict[str, Tensor]:
        return dict(self.curves_)

    def restore(self, state: dict[str, Tensor]) -> None:
        self.curves_ = dict(state)
