"""SpecDec++: draft until some draft is too likely to be rejected; lossless (arXiv 2405.19715)."""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.loop import decode_one
from probexit.exits.depth.decoding.text import TextInProgress
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.modes.self_speculation import Drafter, Drafting, SpeculativeWriter
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class AcceptedDrafts(Drafting):
    """All drafts leave at the rule's first exit; its decider says how long to go on.

    The decider's score must be the probability that the token just read is accepted
    (``Acceptance``). Drafting stops when ``1 - prod p``, the probability that some draft is
    rejected, exceeds ``h``, which is ``1 - threshold`` of the rule; the paper's best is .3. The
    newest draft has not been read by then, so it is not scored, and it is verified with the others.

    Attributes:
        least: Fewest drafts per verification; the score of a first one comes with the second.
    """

    max_drafts: int = 20
    least: int = 2

    def drafter(self, model: Any, rule: ExitRule) -> "ScoredExit":
        return ScoredExit(rule, rule.readout(model))

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        drafter = self.drafter(model, rule)
        return decode_one(model, rule, AcceptanceWriter(drafter, self, rule.threshold))


class ScoredExit(Drafter):
    """Runs every token to the first exit and no further, unless the threshold is infinity.

    Attributes:
        chance: The decider's score of the newest token read.
    """

    def __init__(self, rule: ExitRule, readout: Readout) -> None:
        self.rule, self.readout = rule, readout
        self.chance = math.nan

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        def leave(layer: int, after: Tensor, before: Tensor) -> bool:
            if layer != self.rule.layers[0] or math.isinf(self.rule.threshold):
                return False
            look = LayerView(layer, after, before, step, self.readout)
            self.chance = float(self.rule.decider.score(look))
            return True

        return passes.run(tokens, leave)


class AcceptanceWriter(SpeculativeWriter):
    """Drafts until the product of the drafts' scores falls below a threshold.

    Args:
        drafter: Guesses, and scores what it reads.
        drafts: The least and the largest number of drafts.
        threshold: Least probability that all drafts are accepted with which drafting goes on.
    """

    def __init__(self, drafter: ScoredExit, drafts: AcceptedDrafts, threshold: float) -> None:
        super().__init__(drafter, drafts.max_drafts, 0.0)
        self.exit, self.least, self.threshold = drafter, drafts.least, threshold
        self.all_accepted = 1.0

    def goes_on(self, text: TextInProgress, logits: Tensor, drafts: Tensor) -> bool:
        # The pass that wrote draft i read draft i - 1; what it read for the first is settled.
        self.all_accepted = self.all_accepted * self.exit.chance if len(drafts) > 1 else 1.0
        if int(drafts[-1]) == text.eos:
            return False
        return len(drafts) < self.least or self.all_accepted >= self.threshold
