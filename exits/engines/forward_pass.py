"""What an engine gives of one forward pass: the seam between engines and sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from probexit.exits.engines.row import Row
from probexit.exits.engines.trials import Fork
from probexit.hooks.capture import CaptureError

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

    def states_of(self, at: Sequence[int], layers: Sequence[int]) -> Tensor:
        """Return the states ``[n, L, d]`` of chosen rows; ``[n, 0, 0]`` where no layer is read.

        Raises:
            CaptureError: if they did not come, or not for each row and layer.
        """
        if not layers:
            return self.logits.new_zeros(len(at), 0, 0)
        if self.states is None:
            raise CaptureError(f"states at layers {list(layers)} are read, and the pass gave none")
        found = self.states(at)
        if found.shape[:2] != (len(at), len(layers)):
            raise CaptureError(
                f"states of {len(at)} rows at {len(layers)} layers were asked for, and "
                f"{list(found.shape)} came"
            )
        return found


def on_device(at: Sequence[int], like: Tensor) -> Tensor:
    """Return indices ``[n]`` int64 where a tensor is; those used lately are kept there."""
    return _sent(tuple(at), like.device)


@lru_cache(maxsize=32)
def _sent(at: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(at, dtype=torch.long, device=device)
