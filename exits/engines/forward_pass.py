"""What an engine gives of one forward pass: the seam between engines and sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from probexit.exits.engines.row import Row
from probexit.exits.engines.trials import Fork

States = Callable[[Sequence[int]], Tensor]
"""Reads the states ``[n, L, d]`` that chosen rows have in the newest pass, on their own device."""


@dataclass(frozen=True)
class ForwardPass:
    """A pass over ``b`` rows that has been made, or is queued on the device.

    Attributes:
        rows: Who stands at each place; None where the batch holds a finished row.
        tokens: The generated token that each row has just consumed; None right after its prompt.
        logits: ``[b, V]`` for the next token.
        states: Reads states at the signal's layers, called only if some are needed; None if the
            signal reads none.
        fork: Copies rows, for signals that need a trial answer; None where the engine cannot.
        newest: ``[b]`` the same tokens, where the logits are; None where the engine has them on the
            host only.
    """

    rows: Sequence[Row | None]
    tokens: Sequence[int | None]
    logits: Tensor
    states: States | None = None
    fork: Fork | None = None
    newest: Tensor | None = None

    def logits_of(self, at: Sequence[int]) -> Tensor:
        """Return the logits ``[n, V]`` of chosen rows; a view of all of them if all are chosen."""
        if len(at) == len(self.rows):
            return self.logits
        return self.logits[on_device(at, self.logits)]


def on_device(at: Sequence[int], like: Tensor) -> Tensor:
    """Return indices ``[n]`` int64 where a tensor is; those used lately are kept there."""
    return _sent(tuple(at), like.device)


@lru_cache(maxsize=32)
def _sent(at: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(at, dtype=torch.long, device=device)
