"""Exited with a wrong answer, whatever the full run would have said."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class WrongAtExit(Loss):
    """1 where the exit's answer is wrong."""

    def at_cues(self, trace: Trace) -> Tensor:
        return (~trace.cues.correct).float()

    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        return float(not answer.correct)
