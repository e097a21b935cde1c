"""Exited before the answer was first right: the cumulative loss of arXiv 2505.18404.

Optimistic: a right answer that later flips is forgiven.
"""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class BeforeFirstCorrect(Loss):
    """1 where no cue up to here was right, on problems that are right at some cue."""

    def at_cues(self, trace: Trace) -> Tensor:
        right = trace.cues.correct
        return ((right.cumsum(0) == 0) & right.any()).float()

    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        return float(not answer.correct and bool(trace.cues.correct.any()))
