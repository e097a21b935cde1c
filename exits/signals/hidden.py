"""What signals that read hidden states share: which layers, recorded or live."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.signals.base import Signal


@dataclass(frozen=True)
class HiddenSignal(Signal):
    """A signal of hidden states at some of the recorded layers; costs no token.

    Attributes:
        at: Which layers it reads, in the order they were recorded in.
        recorded: The layers that a recorded trace holds, in order.
    """

    at: tuple[int, ...] = ()
    recorded: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        missing = [layer for layer in self.at if layer not in self.recorded]
        if missing:
            raise ValueError(f"layers {missing} were not recorded; recorded: {list(self.recorded)}")
        if [layer for layer in self.recorded if layer in self.at] != list(self.at):
            raise ValueError(f"at={self.at}: name layers once, in the order {self.recorded}")

    @property
    def layers(self) -> tuple[int, ...]:
        return self.at

    def read(self, column: Tensor) -> Tensor:
        """Choose its layers of a column ``[c, L, d]``, in the precision of the store.

        A live column holds just these layers already and is passed on.
        """
        if column.shape[1] == len(self.recorded):  # if these are all, their order is the same
            column = column[:, [self.recorded.index(layer) for layer in self.at]]
        return column.to(torch.bfloat16)
