"""Whether a step was as sure as those before it (momentum uncertainty, MUR, arXiv 2507.14958)."""

from dataclasses import dataclass
from math import exp, inf
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.signals.spans import means, step_starts


@dataclass(frozen=True)
class MomentumRatio(Signal):
    """exp(M - m): the step's geometric mean probability over that of the steps before it.

    m is the mean negative log-probability of the step's tokens, M = alpha M + (1 - alpha) m their
    momentum up to the step before, which starts at the first step's m (its start is not verified).
    MUR spends more on a step whose ratio is below gamma; a large ratio is a step that needs none.
    The first step has nothing to be compared with: ``-inf``.

    Attributes:
        alpha: Weight of the past, in [0, 1).
    """

    per_token: ClassVar[bool] = True
    alpha: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha={self.alpha}: choose a weight of at least 0 and below 1")

    def scores(self, trace: Rollout) -> Tensor:
        steps = means(-trace.logprobs, step_starts(trace), trace.cues.positions).double().tolist()
        ratios = []
        momentum: float | None = None
        for m in steps:
            ratios.append(-inf if momentum is None else exp(momentum - m))
            momentum = m if momentum is None else self.alpha * momentum + (1 - self.alpha) * m
        return torch.tensor(ratios, dtype=torch.float32)
