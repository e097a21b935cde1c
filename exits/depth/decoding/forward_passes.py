"""Forward passes of one prompt over a cache that may hold waiting tokens."""

from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.decoding.cache import DepthCache
from probexit.exits.depth.decoding.ragged import Leave, Ragged
from probexit.exits.depth.interception.sublayers import NOTHING, Skips
from probexit.hooks.forward import forward


class Passes:
    """The model, its ragged layers and the cache of the prompt in hand.

    Attributes:
        cache: Keys and values; ``cache.columns`` tokens are settled in every layer.
        count: Forward passes since the prompt.
    """

    def __init__(self, model: Any, ragged: Ragged) -> None:
        self.model, self.ragged = model, ragged
        self.open()

    def open(self) -> None:
        """Start a new prompt."""
        self.cache = DepthCache()
        self.ragged.forget()
        self.count = 0

    @property
    def deep(self) -> bool:
        """Whether the newest token reached the last layer, and with it all that waited."""
        return self.ragged.whole

    def run(
        self,
        tokens: Tensor,
        leave: Leave | None = None,
        skipped: Skips = NOTHING,
        keep: int = 0,
    ) -> Tensor:
        """Feed ``tokens [1, q]``, which begin with the waiting ones; return logits ``[q, V]``.

        Logits of waiting tokens mean something only after a deep pass.

        Args:
            tokens: All that is not settled.
            leave: Whether the newest token leaves after a layer; see `Ragged.plan`.
            skipped: What is left out; see `Ragged.plan`.
            keep: Compute no more than the newest ``keep`` rows of logits; 0 computes all.
        """
        self.ragged.plan(leave, skipped)
        start = self.cache.columns
        positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)[None]
        logits = forward(self.model, tokens, self.cache, positions, keep=keep)
        self.count += 1
        return logits[0]

    def settle(self, tokens: int) -> None:
        """Count that many more (or fewer) tokens as settled; what waits is forgotten."""
        self.cache.columns += tokens
        self.ragged.forget()
