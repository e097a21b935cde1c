"""The exit rule: at which layers, by which decider, read by which head, from which score on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.look import Look
from probexit.exits.depth.readout import Readout


@dataclass(frozen=True)
class ExitRule:
    """When a token leaves the model.

    Attributes:
        layers: Where it may leave, ascending; leaving at ``i`` means ``i + 1`` layers run.
        decider: Scores the token there.
        head: Turns the state there into what the last layer would have written.
        threshold: It leaves at the first score >= this; infinity is "never".
    """

    layers: tuple[int, ...]
    decider: Decider
    head: Head
    threshold: float = math.inf

    def __post_init__(self) -> None:
        if not self.layers or list(self.layers) != sorted(set(self.layers)) or self.layers[0] < 0:
            raise ValueError(f"exit layers {self.layers} must be ascending, at least one, from 0")
        if math.isnan(self.threshold):
            raise ValueError("threshold is not a number (NaN)")

    def at(self, threshold: float) -> Self:
        """Return the same rule at another threshold."""
        return replace(self, threshold=threshold)

    def readout(self, model: Any) -> Readout:
        """Return the rule's readout of ``model``.

        Raises:
            ValueError: if an exit layer is not before the model's last.
        """
        readout = Readout(model, self.head)
        if self.layers[-1] >= readout.depth - 1:
            raise ValueError(
                f"exit layer {self.layers[-1]} saves nothing: the model's last layer is "
                f"{readout.depth - 1}; choose exits below it"
            )
        return readout

    def leaves(self, look: Look) -> Tensor:
        """Return ``[n]`` bool: the rows whose score reaches the threshold."""
        return self.decider.score(look) >= self.threshold

    def first(self, looks: Sequence[Look]) -> list[int | None]:
        """Return, per row, the layer at which it would first leave, or None."""
        chosen: list[int | None] = [None] * len(looks[0].hidden)
        for look in looks:
            for row, leaves in enumerate(self.leaves(look).tolist()):
                if leaves and chosen[row] is None:
                    chosen[row] = look.layer
        return chosen
