"""The exit rule: at which layers, by which decider, read by which head, from which score on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.trace import ExitAudit


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

    def leaves(self, look: LayerView) -> Tensor:
        """Return ``[n]`` bool: the rows whose score reaches the threshold."""
        return self.decider.score(look) >= self.threshold

    def first(self, looks: Sequence[LayerView]) -> list[int | None]:
        """Return, per row, the layer at which it would first leave, or None."""
        chosen: list[int | None] = [None] * len(looks[0].hidden)
        for look in looks:
            for row, leaves in enumerate(self.leaves(look).tolist()):
                if leaves and chosen[row] is None:
                    chosen[row] = look.layer
        return chosen


class LayerDecision:
    """Called after each layer with the newest token's states; says whether it leaves there.

    Args:
        rule: When to leave.
        readout: The rule's readout of the model.
        step: Tokens decoded since the prompt, the present one included.
        audited: Never leave, only look.

    Attributes:
        looks: One per exit layer passed, oldest first.
        stopped: Whether the decider ended the text.
    """

    def __init__(self, rule: ExitRule, readout: Readout, step: int, audited: bool = False) -> None:
        self.rule, self.readout, self.step, self.audited = rule, readout, step, audited
        self.looks: list[LayerView] = []
        self.stopped = False

    def __call__(self, layer: int, after: Tensor, before: Tensor) -> bool:
        """Take states ``[1, d]`` after and before ``layer``."""
        if layer not in self.rule.layers:
            return False
        previous = self.looks[-1] if self.looks else None
        look = LayerView(layer, after, before, self.step, self.readout, previous)
        self.looks.append(look)
        if self.audited:
            return False
        self.stopped = bool(self.rule.decider.stops(look))
        return self.stopped or bool(self.rule.leaves(look))


def audit(
    rule: ExitRule, looks: Sequence[LayerView], final: Tensor, rows: Sequence[int]
) -> tuple[ExitAudit, ...]:
    """Compare.

    Args:
        rule: When to leave.
        looks: One per exit layer, at the audited rows.
        final: ``[n]`` the full model's tokens.
        rows: Their places in the batch.
    """
    looks = [look.known(final) for look in looks]
    chosen = rule.first(looks)
    scores = torch.stack([rule.decider.score(look).float() for look in looks], 1).tolist()
    agreement = torch.stack([look.tokens == final for look in looks], 1).tolist()
    return tuple(
        ExitAudit(row, layer, rule.layers, tuple(s), tuple(a))
        for row, layer, s, a in zip(rows, chosen, scores, agreement, strict=True)
    )
