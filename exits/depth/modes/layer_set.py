"""Drafters that leave out layers, or sublayers, of the model."""

from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.interception.sublayers import Skips, Sublayers
from probexit.exits.depth.modes.self_speculation import Drafter


class LayerSet(Drafter):
    """Runs all but some whole layers; what the draft wrote to the cache is thrown away."""

    def __init__(self, skipped: Skips) -> None:
        self.skipped = skipped

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        settled = passes.cache.columns
        passes.settle(tokens.shape[1] - 1)
        try:
            return passes.run(tokens[:, -1:], skipped=self.skipped)
        finally:
            passes.settle(settled - passes.cache.columns)


class SublayerSet(LayerSet):
    """Leaves out single sublayers, too."""

    def __init__(self, skipped: Skips, sublayers: Sublayers) -> None:
        super().__init__(skipped)
        self.sublayers = sublayers

    def draft(self, passes: Passes, tokens: Tensor, step: int) -> Tensor:
        with self.sublayers.without(self.skipped):
            return super().draft(passes, tokens, step)
