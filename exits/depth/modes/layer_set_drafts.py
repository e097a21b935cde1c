"""Draft & Verify: drafts leave out a set of layers, and the whole model verifies them; lossless."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.loop import decode_one
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.modes.self_speculation import Drafter, Drafting
from probexit.exits.depth.modes.tuned_stop import TunedWriter
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class LayerSetDrafts(Drafting):
    """The rule is not asked (arXiv 2309.08168).

    How sure a draft must be is tuned while writing, from ``sure`` on, as in the released code.

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

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        drafter = self.drafter(rule, rule.readout(model))
        return decode_one(model, rule, TunedWriter(drafter, self.max_drafts, self.sure))


class LayerSet(Drafter):
    """Runs all layers but ``skipped``; what the draft wrote to the cache is thrown away.

    Draft & Verify skips attention and MLP sublayers one by one; here it is whole layers, which
    needs no per-model code.
    """

    def __init__(self, skipped: frozenset[int]) -> None:
        self.skipped = skipped

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        settled = passes.cache.columns
        passes.settle(tokens.shape[1] - 1)
        try:
            return passes.run(tokens[:, -1:], skipped=self.skipped)
        finally:
            passes.settle(settled - passes.cache.columns)
