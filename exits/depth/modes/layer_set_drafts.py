"""Draft & Verify: drafts leave out a set of layers, and the whole model verifies them; lossless."""

from dataclasses import dataclass, replace
from typing import Any, Self

from probexit.exits.depth.drafts.layer_set import LayerSet
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.passes import Passes
from probexit.exits.depth.ragged import Ragged
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.single import SingleLoop
from probexit.exits.depth.speculate import SpeculativeWriter


@dataclass(frozen=True)
class LayerSetDrafts(Mode):
    """One prompt at a time; the rule is not asked (arXiv 2309.08168).

    Attributes:
        skipped: Layers that drafts leave out.
        max_drafts: Drafts per verification.
        sure: Drafting goes on only after a draft of at least this probability.
    """

    skipped: tuple[int, ...]
    max_drafts: int = 8
    sure: float = 0.8

    @property
    def lossless(self) -> bool:
        return True

    @property
    def steady(self) -> bool:
        return False

    def with_drafts(self, drafts: int) -> Self:
        return replace(self, max_drafts=drafts)

    def start(self, model: Any, rule: ExitRule) -> Running:
        depth = rule.readout(model).depth
        if not self.skipped or not set(self.skipped) < set(range(depth)):
            raise ValueError(
                f"skipped={self.skipped} must be some, not all, of the layers 0 to {depth - 1}"
            )
        ragged = Ragged(depth, rule.head)
        writer = SpeculativeWriter(LayerSet(frozenset(self.skipped)), self.max_drafts, self.sure)
        loop = SingleLoop(Passes(model, ragged), writer)
        return Running(ragged, writer.trace, {"custom_generate": loop.generate})
