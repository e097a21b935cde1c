"""Drafts by leaving out a set of layers in the middle (Draft & Verify, arXiv 2309.08168)."""

from torch import Tensor

from probexit.exits.depth.drafts.base import Drafter
from probexit.exits.depth.passes import Passes


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
