"""Drafts leave out a set of whole layers, and the whole model verifies them; lossless."""

from dataclasses import dataclass, field
from typing import Any

from probexit.exits.depth.decoding.loop import decode_one
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.interception.sublayers import Skips
from probexit.exits.depth.modes.layer_set import LayerSet
from probexit.exits.depth.modes.self_speculation import Drafting
from probexit.exits.depth.modes.tuned_stop import TunedWriter
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class LayerSetDrafts(Drafting):
    """The rule is not asked: Draft & Verify (arXiv 2309.08168) over whole layers.

    This needs no per-model code; ``SublayerDrafts`` is the paper's. How sure a draft must be is
    tuned while writing, from ``sure`` on, as in the released code.

    Attributes:
        skipped: Layers that drafts leave out.
    """

    max_drafts: int = 8
    sure: float = 0.8
    skipped: tuple[int, ...] = field(kw_only=True)

    def drafter(self, model: Any, rule: ExitRule) -> LayerSet:
        depth = rule.readout(model).depth
        if not self.skipped or not set(self.skipped) < set(range(depth)):
            raise ValueError(
                f"skipped={self.skipped} must be some, not all, of the layers 0 to {depth - 1}"
            )
        return LayerSet(Skips(self.skipped, self.skipped))

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        drafter = self.drafter(model, rule)
        return decode_one(model, rule, TunedWriter(drafter, self.max_drafts, self.sure))
