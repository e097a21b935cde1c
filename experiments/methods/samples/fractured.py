"""Stop once an answer forced along the thinking has enough votes (arXiv 2505.12992)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.votes import Votes
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Fractured(ThresholdRule):
    """The early stop along the truncation axis: leave once one answer has so many votes.

    Forced answers at points of one thinking are samples of the answer. The paper cuts a thinking
    into 16 pieces of equal length and draws answers at each cut; here the points are this run's
    cues, with one greedy answer each. How many votes the paper asks for is not verified; the number
    is certified too.

    Attributes:
        votes: Numbers of votes to stop at, not certified.
    """

    title: ClassVar[str] = "fractured, early stop"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    source: ClassVar[str] = "2505.12992"
    summary: ClassVar[str] = "exits once a trial answer has enough votes"
    votes: tuple[int, ...] = (3,)

    def signal(self, context: Context) -> Signal:
        return Votes(context.closing)

    def points(self, context: Context) -> dict[str, float]:
        return {f"{n} votes": float(n) for n in self.votes}
