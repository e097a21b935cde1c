"""The contract of a decider: from a look at a layer to a score per row."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.fitted import FittedPart


@dataclass
class Decider(FittedPart, ABC):
    """Says how likely the layer's token is already the full model's.

    A row leaves when its score reaches the rule's threshold. A decider is a pure function of the
    look and those before it for the same token, so a batch decides as its rows would alone.

    Attributes:
        needs_final: The score uses the full model's token, so it works in shadow mode only.
    """

    needs_final: ClassVar[bool] = False

    @abstractmethod
    def score(self, look: LayerView) -> Tensor:
        """Return ``[n]``; larger = likelier right to leave. NaN never leaves.

        Raises:
            ValueError: if the decider is not fitted for this layer.
        """

    @property
    def alone(self) -> bool:
        """Whether a score needs neither earlier exits nor the token's place in the text.

        If so, exits can be chosen after the decider was fitted.
        """
        return True

    def stops(self, look: LayerView) -> Tensor:
        """Return ``[n]`` bool: rows whose text should end here and now; none by default."""
        return torch.zeros(len(look.hidden), dtype=torch.bool, device=look.hidden.device)

    @property
    def stop_path(self) -> tuple[float, ...]:
        """Thresholds of ``stops`` to certify along, strict first; none where it ends no text."""
        return ()

    def with_stop(self, threshold: float) -> Self:
        """Return the decider at another threshold of ``stops``; at infinity it ends no text.

        Raises:
            ValueError: if it ends no text at any.
        """
        if threshold < math.inf:
            raise ValueError(
                f"{type(self).__name__} ends no text: a stop at {threshold:g} has no meaning"
            )
        return self

    def fit(self, examples: Examples) -> Self:
        """Learn from recorded tokens; by default there is nothing to learn."""
        return self

    def _unfitted(self, layer: int) -> ValueError:
        """Build the error of ``score`` at a layer that was not fitted."""
        return ValueError(
            f"{type(self).__name__} is not fitted for layer {layer}: call fit with this layer "
            "among the examples' layers"
        )
