"""Drafts by leaving early: at a fixed layer, or where a decider says so."""

from torch import Tensor

from probexit.exits.depth.decision import Decision
from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.readout import Readout
from probexit.exits.depth.rule import ExitRule


class EarlyExit(Drafter):
    """The token is drafted where the rule lets it leave; if nowhere, all drafts are verified.

    Drafting and verifying share one cache and every state: no layer runs twice on a token. With a
    rule that always leaves at one layer this is LayerSkip (arXiv 2404.16710), with a confidence in
    the decider AdaDecode (2506.03700) and DSSD (2407.21082).
    """

    def __init__(self, rule: ExitRule, readout: Readout) -> None:
        self.rule, self.readout = rule, readout

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        return passes.run(tokens, Decision(self.rule, self.readout, step))
