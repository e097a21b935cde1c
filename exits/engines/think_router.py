"""Think in words where unsure, in mixtures of embeddings where sure (ThinkRouter, 2602.11683)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.interventions.thinking_rows import ThinkingRows
from probexit.hooks.soft_embedding import SoftEmbedding


@dataclass(frozen=True)
class Routing:
    """When to mix, and how.

    With ``p = softmax(logits / temperature)``: below ``max p = threshold`` a token is drawn and
    read, as ever; from there on the ``width`` likeliest tokens are mixed by their renormalised
    probabilities, and the likeliest is the one that is noted. Where that one ends the thinking, it
    is read as itself.

    Attributes:
        threshold: Least largest probability at which to mix; above 1 = never.
        width: Tokens of a mixture.
        temperature: Of the probabilities.
    """

    threshold: float
    width: int = 10
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.width < 1 or not self.temperature > 0:
            raise ValueError(
                f"width={self.width} must be at least 1 and temperature={self.temperature} above 0"
            )

    def mixture(self, logits: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return tokens ``[k]`` and weights ``[k]`` for ``logits [V]``; None to draw one token."""
        p = (logits.float() / self.temperature).softmax(-1)
        top = p.topk(min(self.width, len(p)))
        if float(top.values[0]) < self.threshold:
            return None
        return top.indices, top.values / top.values.sum()


class ThinkRouter:
    """A processor of the own loop, batch of one, that routes inside the thinking.

    Args:
        routing: When to mix, and how.
        rows: Tells whether a row thinks.
        embedding: Where the mixtures go; open while the loop runs.
        ends: Tokens that end the thinking.

    Attributes:
        mixed: Tokens that were mixtures.
        drawn: Thinking tokens that were words.
    """

    def __init__(
        self, routing: Routing, rows: ThinkingRows, embedding: SoftEmbedding, ends: Sequence[int]
    ) -> None:
        self.routing, self._rows = routing, rows
        self._embedding, self._ends = embedding, frozenset(ends)
        self.mixed = self.drawn = 0

    def __call__(self, rows: Sequence[Sequence[int] | None], logits: Tensor) -> Tensor:
        """Return the logits to draw from, ``[1, V]``.

        Raises:
            ValueError: if there is more than one row.
        """
        if len(rows) != 1:
            raise ValueError(f"{len(rows)} rows: mixtures of embeddings need a batch of one")
        (thinks,) = self._rows.inside(rows)
        found = self.routing.mixture(logits[0]) if thinks else None
        if found is None:
            self.drawn += thinks
            return logits
        tokens, weights = found
        if int(tokens[0]) not in self._ends:
            self.mixed += 1
            self._embedding.feed(tokens, weights)
        certain = torch.full_like(logits, -torch.inf)
        certain[0, tokens[0]] = 0.0
        return certain
