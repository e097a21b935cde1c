"""The contract of a head: from a middle layer's state to what the last layer would have written."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.depth.fitted import FittedPart


@dataclass
class Head(FittedPart, ABC):
    """Translates a state after a middle layer into one that the model's final norm can read."""

    @abstractmethod
    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        """Map ``[..., d]`` after ``layer`` to ``[..., d]`` before the final norm.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """
