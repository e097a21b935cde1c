"""Self-speculation: early tokens are drafts, and the whole model verifies them; lossless."""

from dataclasses import dataclass, replace
from typing import Any, Self

from probexit.exits.depth.drafts.early_exit import EarlyExit
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.ragged import Ragged
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.single import SingleLoop
from probexit.exits.depth.speculate import SpeculativeWriter


@dataclass(frozen=True)
class SelfSpeculation(Mode):
    """One prompt at a time; drafts leave where the rule says, and share the cache.

    Attributes:
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability.
    """

    max_drafts: int = 6
    sure: float = 0.0

    @property
    def lossless(self) -> bool:
        return True

    @property
    def steady(self) -> bool:
        return False

    def with_drafts(self, drafts: int) -> Self:
        return replace(self, max_drafts=drafts)

    def start(self, model: Any, rule: ExitRule) -> Running:
        readout = rule.readout(model)
        ragged = Ragged(readout.depth, rule.head)
        drafter = EarlyExit(rule, readout)
        writer = SpeculativeWriter(drafter, self.max_drafts, self.sure)
        loop = SingleLoop(Passes(model, ragged), writer)
        return Running(ragged, writer.trace, {"custom_generate": loop.generate})
