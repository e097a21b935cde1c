"""Heads of their own: a norm and an unembedding for each exit (arXiv 2407.21082)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from probexit.exits.depth.heads.trained import TrainedHead
from probexit.hooks.layers import final_norm, unembedding


class _Words(nn.Module):
    def __init__(self, width: int, vocabulary: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.weight = nn.Parameter(torch.zeros(vocabulary, width))

    def forward(self, hidden: Tensor) -> Tensor:
        normed = nn.functional.rms_norm(hidden, self.scale.shape, self.scale)
        return nn.functional.linear(normed, self.weight)


@dataclass
class OwnUnembedding(TrainedHead):
    """``W_l RMSNorm_l(h)``: the exit's own words, distilled from the frozen model's.

    Self-supervised early exits (arXiv 2407.21082; released code @b664be3). Each head starts as the
    model's own unembedding, and its norm's scale, so that a short training suffices; where the
    released heads start is unverified. A head holds ``V d`` numbers: much on a large vocabulary.

    Attributes:
        vocabulary: ``V``; 0 until it is trained.
    """

    own_words: ClassVar[bool] = True
    vocabulary: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._start: dict[str, Tensor] = {}

    def adopt(self, model: Any) -> None:
        words: Any = unembedding(model).weight
        scale: Any = getattr(final_norm(model), "weight", None)
        self.vocabulary = len(words)
        self._start = {"weight": words.detach().float().clone()}
        self._start["scale"] = torch.ones_like(words[0]).float()
        if scale is not None:
            self._start["scale"] = scale.detach().float().clone()

    def module(self, width: int) -> nn.Module:
        made = _Words(width, self.vocabulary)
        if self._start:
            made.load_state_dict(self._start)
        return made

    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        """Leave the state as it is: the model's unembedding has no part in this head's tokens."""
        self.at(hidden, layer)
        return hidden

    def logits(self, hidden: Tensor, layer: int, finish: Callable[[Tensor], Tensor]) -> Tensor:
        logits: Tensor = self.at(hidden, layer)(hidden)
        return logits
