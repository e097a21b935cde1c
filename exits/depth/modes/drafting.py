"""What modes that draft share: the whole model verifies the drafts, so the text is its own."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.ragged import Ragged
from probexit.exits.depth.readout import Readout
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.single import SingleLoop
from probexit.exits.depth.speculate import SpeculativeWriter


@dataclass(frozen=True)
class Drafting(Mode):
    """One prompt at a time; lossless.

    Attributes:
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability.
    """

    max_drafts: int = 6
    sure: float = 0.0

    @abstractmethod
    def drafter(self, rule: ExitRule, readout: Readout) -> Drafter:
        """Return what drafts.

        Raises:
            ValueError: if the model has no such layers.
        """

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
        writer = SpeculativeWriter(self.drafter(rule, readout), self.max_drafts, self.sure)
        loop = SingleLoop(Passes(model, ragged), writer)
        return Running(ragged, writer.trace, {"custom_generate": loop.generate})
