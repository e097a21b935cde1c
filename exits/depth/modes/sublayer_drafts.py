"""Draft & Verify: drafts leave out attention and MLP sublayers; lossless (arXiv 2309.08168)."""

from dataclasses import dataclass, field
from typing import Any

from probexit.exits.depth.decoding.loop import decode_one
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.interception.sublayers import Skips, Sublayers
from probexit.exits.depth.modes.layer_set import SublayerSet
from probexit.exits.depth.modes.self_speculation import Drafting
from probexit.exits.depth.modes.tuned_stop import TunedWriter
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class SublayerDrafts(Drafting):
    """The rule is not asked; ``tuning/sublayer_search.py`` finds a set.

    How sure a draft must be is tuned while writing, from ``sure`` on, as in the released code. The
    trace counts a layer that runs one of its sublayers as a layer.

    Attributes:
        skipped: Sublayers that drafts leave out.
    """

    max_drafts: int = 8
    sure: float = 0.8
    skipped: Skips = field(kw_only=True)

    def drafter(self, model: Any, rule: ExitRule) -> SublayerSet:
        sublayers, depth = Sublayers(model), rule.readout(model).depth
        chosen = {*self.skipped.attention, *self.skipped.mlp}
        if not chosen or not chosen <= set(range(depth)) or len(self.skipped.layers) == depth:
            raise ValueError(
                f"skipped={self.skipped} must be some, not all, of the sublayers of the layers 0 "
                f"to {depth - 1}"
            )
        return SublayerSet(self.skipped, sublayers)

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        writer = TunedWriter(self.drafter(model, rule), self.max_drafts, self.sure)
        return decode_one(model, rule, writer)
