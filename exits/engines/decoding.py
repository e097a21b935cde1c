"""How the next token is drawn: greedy or sampled, the same for a problem in any batch."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# The largest share of a mass that rounding cannot make the whole: behind it lies no token.
BELOW_ONE = 1 - 2**-52
HEAD = 256
"""Likeliest tokens among which a nucleus is looked for first."""


@dataclass(frozen=True)
class Decoding:
    """Decoding settings.

    Attributes:
        max_new_tokens: Limit on generated tokens, thinking and answer together.
        temperature: 0 is greedy.
        top_p: Nucleus; 1 keeps the whole distribution.
        batch_size: Rows decoded together.
        seed: Seed of the random numbers, at least 0; row ``key`` draws its own, so that the size
            of batches does not matter.
    """

    max_new_tokens: int = 640
    temperature: float = 0.0
    top_p: float = 1.0
    batch_size: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.batch_size < 1:
            raise ValueError(
                f"max_new_tokens={self.max_new_tokens}, batch_size={self.batch_size}: "
                "both must be at least 1"
            )
        if not 0 <= self.temperature < math.inf or not 0 < self.top_p <= 1:
            raise ValueError(
                f"temperature={self.temperature} must be >= 0 and finite, "
                f"and top_p={self.top_p} in (0, 1]"
            )
        if self.seed < 0:
            raise ValueError(f"seed={self.seed} must be at least 0")

    def uniforms(self, key: int) -> Tensor:
        """Return the random numbers of one row, ``[max_new_tokens]`` float64 in [0, 1)."""
        if self.temperature == 0:
            return torch.zeros(self.max_new_tokens, dtype=torch.float64)
        # Not torch's generator: on the CPU it keeps the low 32 bits of a seed and drops the rest.
        generator = np.random.default_rng((self.seed, key))
        return torch.from_numpy(generator.random(self.max_new_tokens))

    def draw(self, logits: Tensor, uniforms: Tensor, greedy: Tensor | None = None) -> Tensor:
        """Choose the next tokens.

        Args:
            logits: ``[b, V]``.
            uniforms: ``[b]`` one random number per row.
            greedy: ``[b]`` bool, on the host: rows that take the likeliest token whatever the
                temperature; none by default.

        Returns:
            ``[b]`` token ids.
        """
        if self.temperature == 0 or (greedy is not None and bool(greedy.all())):
            return logits.argmax(-1)
        drawn = self._drawn(logits, uniforms)
        if greedy is None:
            return drawn
        return torch.where(greedy.to(logits.device), logits.argmax(-1), drawn)

    def _drawn(self, logits: Tensor, uniforms: Tensor) -> Tensor:
        probs = (logits.double() / self.temperature).softmax(-1)
        numbers = uniforms.to(logits.device)[:, None]
        return _at(probs, numbers) if self.top_p == 1 else _in_nucleus(probs, numbers, self.top_p)


def _at(probs: Tensor, numbers: Tensor) -> Tensor:
    """Return the place ``[b]`` at which the mass of ``probs [b, k]`` passes ``numbers [b, 1]``."""
    total = probs.cumsum(-1)
    target = numbers.clamp(max=BELOW_ONE) * total[:, -1:]
    return torch.searchsorted(total, target, right=True)[:, 0]


def _in_nucleus(probs: Tensor, numbers: Tensor, top_p: float) -> Tensor:
    """Return a token ``[b]`` of each row's nucleus, its tokens in order of mass, then of number.

    A row whose nucleus lies among its ``HEAD`` likeliest tokens is not sorted whole, which costs
    ten times the rest on a large vocabulary; on a device, asking so would wait for it.
    """
    if probs.device.type != "cpu" or probs.shape[-1] <= HEAD:
        return _from_sorted(*probs.sort(dim=-1, descending=True, stable=True), numbers, top_p)
    found, order = probs.topk(HEAD, sorted=False)
    order, by_number = order.sort(-1)
    likely, by_mass = found.gather(-1, by_number).sort(dim=-1, descending=True, stable=True)
    drawn = _from_sorted(likely, order.gather(-1, by_mass), numbers, top_p)
    # Of tokens as likely as the last of the head, some may be missing from it.
    short = (likely * (likely > likely[:, -1:])).sum(-1) < top_p
    if bool(short.any()):
        whole = probs[short].sort(dim=-1, descending=True, stable=True)
        drawn[short] = _from_sorted(*whole, numbers[short], top_p)
    return drawn


def _from_sorted(likely: Tensor, order: Tensor, numbers: Tensor, top_p: float) -> Tensor:
    # A token stays while the mass before it is under top_p; the first always does.
    inside = (likely.cumsum(-1) - likely) < top_p
    return order.gather(-1, _at(likely * inside, numbers)[:, None])[:, 0]
