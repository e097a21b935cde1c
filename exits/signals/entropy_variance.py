"""Whether the first word of the answer has stopped changing its mind (EAT, arXiv 2509.26522)."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class EntropyVariance(TrialSignal):
    """Minus the moving variance of the entropy right behind the closing text, in nats squared.

    With x the entropy at a cue: m = x and v = 0 at the first; then m = alpha x + (1 - alpha) m and
    v = alpha (x - m)^2 + (1 - alpha) v, with the mean that was just updated, as in the released
    code. Nothing of the answer is decoded.

    Attributes:
        alpha: Weight of the newest entropy, in (0, 1].
        warm_up: Cues at which the score is ``-inf``: the variance starts at 0 and means nothing
            yet. At least 1; about 4 / alpha in the paper.
    """

    answer_needed: ClassVar[bool] = False
    alpha: float = 0.2
    warm_up: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ValueError(f"alpha={self.alpha}: choose a weight above 0 and at most 1")
        if self.warm_up < 1:
            raise ValueError(f"warm_up={self.warm_up}: the variance at the first cue is always 0")

    def scores(self, trace: Rollout) -> Tensor:
        variances = torch.tensor([v for _, v in self.moments(trace)], dtype=torch.float32)
        return (-variances).index_fill(0, torch.arange(len(variances))[: self.warm_up], -inf)

    def moments(self, trace: Rollout) -> list[tuple[float, float]]:
        """Return the moving mean and variance at each cue, warm-up included."""
        found: list[tuple[float, float]] = []
        # the sum over one column is that column, and is empty where there are no cues
        for x in trace.cues.answer_entropies[:, :1].double().sum(1).tolist():
            mean, variance = found[-1] if found else (x, 0.0)
            mean = self.alpha * x + (1 - self.alpha) * mean
            variance = self.alpha * (x - mean) ** 2 + (1 - self.alpha) * variance
            found.append((mean, variance))
        return found
