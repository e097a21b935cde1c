"""DEER's confidence as the paper defines it: a geometric mean (arXiv 2504.15895)."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.signals.deer import DeerArithmetic


@dataclass(frozen=True)
class DeerGeometric(DeerArithmetic):
    """Geometric mean probability of the trial answer's tokens (the code's ``avg2``: Qwen3)."""

    def mean(self, logprobs: Tensor, kept: Tensor) -> Tensor:
        return ((logprobs * kept).sum(-1) / kept.sum(-1).clamp(min=1)).exp()
