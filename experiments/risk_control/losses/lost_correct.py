"""Exited wrong where the full run was right: the answers that the exit itself cost."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class LostCorrect(Loss):
    """1 where the exit is wrong and the full run right (LearnStop, arXiv 2606.30852)."""

    def at_cues(self, trace: Trace) -> Tensor:
        return (~trace.cues.correct & trace.correct).float()

    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        return float(trace.correct and not answer.correct)
