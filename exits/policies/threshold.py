"""Leave at the first cue whose score reaches the threshold (the rule of LYNX, arXiv 2512.05325)."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.policies.base import ExitPolicy


@dataclass(frozen=True)
class Threshold(ExitPolicy):
    """Exit when the newest score is at least ``threshold``."""

    def crossing_threshold(self, scores: Tensor) -> Tensor:
        return scores[:, -1]
