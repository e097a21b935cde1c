"""Draft & Verify: drafts leave out a set of layers, and the whole model verifies them; lossless."""

from dataclasses import dataclass, field

from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.drafts.layer_set import LayerSet
from probexit.exits.depth.modes.drafting import Drafting
from probexit.exits.depth.readout import Readout
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class LayerSetDrafts(Drafting):
    """The rule is not asked (arXiv 2309.08168).

    Attributes:
        skipped: Layers that drafts leave out.
    """

    max_drafts: int = 8
    sure: float = 0.8
    skipped: tuple[int, ...] = field(kw_only=True)

    def drafter(self, rule: ExitRule, readout: Readout) -> Drafter:
        depth = readout.depth
        if not self.skipped or not set(self.skipped) < set(range(depth)):
            raise ValueError(
                f"skipped={self.skipped} must be some, not all, of the layers 0 to {depth - 1}"
            )
        return LayerSet(frozenset(self.skipped))
