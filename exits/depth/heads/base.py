"""The contract of a head: from a middle layer's state to what the last layer would have written."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


@dataclass
class Head(ABC):
    """Translates a state after a middle layer into one that the model's final norm can read.

    Fields of the dataclass are configuration; fitted state carries a trailing underscore.
    """

    @abstractmethod
    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        """Map ``[..., d]`` after ``layer`` to ``[..., d]`` before the final norm.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """

    def state(self) -> dict[str, Tensor]:
        """Return the trained tensors by name, on the CPU; none by default."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take the tensors that ``state`` returned.

        Raises:
            ValueError: if there are tensors that this class does not keep.
        """
        if state:
            raise ValueError(f"{type(self).__name__} keeps no tensors, got {sorted(state)}")
