"""Exited with another answer than the full run: needs no gold."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.risk_control.losses.base import GivenAnswer, Loss


@dataclass(frozen=True)
class Inconsistent(Loss):
    """1 where the exit's answer differs from the full run's."""

    def at_cues(self, trace: Trace) -> Tensor:
        return (~trace.agrees).float()

    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        return float(not answer.agrees)
