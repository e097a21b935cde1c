"""The rule at work on one token: remembers the looks of the layers it passed."""

from torch import Tensor

from probexit.exits.depth.look import Look
from probexit.exits.depth.readout import Readout
from probexit.exits.depth.rule import ExitRule


class Decision:
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
        self.looks: list[Look] = []
        self.stopped = False

    def __call__(self, layer: int, after: Tensor, before: Tensor) -> bool:
        """Take states ``[1, d]`` after and before ``layer``."""
        if layer not in self.rule.layers:
            return False
        previous = self.looks[-1] if self.looks else None
        look = Look(layer, after, before, self.step, self.readout, previous)
        self.looks.append(look)
        if self.audited:
            return False
        self.stopped = bool(self.rule.decider.stops(look))
        return self.stopped or bool(self.rule.leaves(look))
