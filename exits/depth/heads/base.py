"""The contract of a head: from a middle layer's state to what the last layer would have written."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.depth.fitted import FittedPart
from probexit.exits.depth.interception.layer_call import LayerCall

Follow = Callable[[LayerCall, Tensor], Tensor]
"""Translates the states ``[b, q, d]`` of a pass behind a layer; one for each text."""


@dataclass
class Head(FittedPart, ABC):
    """Translates a state after a middle layer into one that the model's final norm can read.

    Attributes:
        attends: Whether it reads the tokens before as well, so that every token of a text must pass
            through it, in order.
        own_layers: Layers that it runs itself.
        own_words: Whether it turns states into logits itself, past the model's norm and
            unembedding: a mode must then take the logits from the exit.
    """

    attends: ClassVar[bool] = False
    own_layers: ClassVar[int] = 0
    own_words: ClassVar[bool] = False

    @abstractmethod
    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        """Map ``[..., d]`` after ``layer`` to ``[..., d]`` before the final norm.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """

    def logits(self, hidden: Tensor, layer: int, finish: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the logits ``[..., V]`` of states ``[..., d]`` after ``layer``.

        Args:
            hidden: States.
            layer: After which they stand.
            finish: The model's own final norm and unembedding.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """
        return finish(self.translate(hidden, layer))

    def over_text(self, hidden: Tensor, layer: int) -> Tensor:
        """Translate the states ``[b, t, d]`` of whole texts, each with what comes before it.

        Raises:
            ValueError: if the head was not trained for ``layer``.
        """
        return self.translate(hidden, layer)

    def follow(self) -> Follow:
        """Return what translates the passes over one text, from its prompt on."""
        return lambda call, hidden: self.translate(hidden, call.index)
