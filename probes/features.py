"""Turn recorded layers into the one vector per cue that a probe reads."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


def select_layers(hidden: Tensor, layers: Sequence[int]) -> Tensor:
    """Concatenate ``layers`` of ``hidden [..., L, d]``, in that order, to ``[..., k * d]``.

    Args:
        hidden: Recorded hidden states.
        layers: Indices along the recorded axis ``L``, which are not layer numbers of the model
            unless every layer was recorded.

    Raises:
        ValueError: if ``layers`` is empty, repeats an index or leaves ``0 .. L - 1``.
    """
    chosen = list(layers)
    if hidden.ndim < 2:
        raise ValueError(f"hidden must be [..., L, d], got shape {tuple(hidden.shape)}")
    recorded = hidden.shape[-2]
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(recorded)):
        raise ValueError(f"layers {chosen} must be distinct and in 0 .. {recorded - 1}")
    return hidden[..., chosen, :].flatten(-2)


class LayerStates(ABC):
    """Recorded states ``[n, L, d]`` of which some layers are read at a time.

    All layers of all cues may be more than memory holds; whoever keeps them, on disk or in pieces,
    gives the layers that are asked for.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """``(n, L, d)``: cues, recorded layers, width."""

    @abstractmethod
    def select(self, layers: Sequence[int]) -> Tensor:
        """Return ``select_layers`` of the states, ``[n, k * d]``; raises as it does."""


@dataclass(frozen=True)
class HeldStates(LayerStates):
    """States in memory.

    Attributes:
        hidden: ``[n, L, d]``.
    """

    hidden: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        cues, layers, width = self.hidden.shape
        return cues, layers, width

    def select(self, layers: Sequence[int]) -> Tensor:
        return select_layers(self.hidden, layers)
