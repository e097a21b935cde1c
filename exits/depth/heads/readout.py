"""What a token would be if the model stopped at a layer: head, final norm and unembedding."""

from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.heads.base import Head
from probexit.hooks.layers import final_norm, n_layers, unembedding


class Readout:
    """Reads next-token logits from middle layers of one model.

    Attributes:
        depth: ``L``, the model's number of layers.
    """

    def __init__(self, model: Any, head: Head) -> None:
        self.head = head
        self.depth = n_layers(model)
        self._norm = final_norm(model)
        self._unembedding: Any = unembedding(model)

    def logits(self, hidden: Tensor, layer: int) -> Tensor:
        """Return ``[n, V]`` float32 logits of states ``[n, d]`` after ``layer``."""
        if layer < self.depth - 1:
            return self.head.logits(hidden, layer, self._finished).float()
        return self._finished(hidden).float()

    def columns(self, hidden: Tensor, layer: int, tokens: Tensor) -> Tensor:
        """Return the logits of a few tokens ``[n, k]`` only, at ``k d`` operations per state.

        A head with words of its own computes all of its logits.
        """
        if self.head.own_words and layer < self.depth - 1:
            return self.logits(hidden, layer).gather(1, tokens)
        weight = self._unembedding.weight[tokens]
        logits = torch.einsum("nkd,nd->nk", weight, self._normed(hidden, layer))
        bias = getattr(self._unembedding, "bias", None)
        return (logits if bias is None else logits + bias[tokens]).float()

    def _finished(self, hidden: Tensor) -> Tensor:
        """Read states before the final norm, as the model reads its last layer's."""
        logits: Tensor = self._unembedding(self._norm(hidden))
        return logits

    def _normed(self, hidden: Tensor, layer: int) -> Tensor:
        if layer < self.depth - 1:
            hidden = self.head.translate(hidden, layer)
        normed: Tensor = self._norm(hidden)
        return normed
