"""Vote over the answers forced at the first points of a thinking (arXiv 2505.12992)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome, VotedOutcome


@dataclass(frozen=True)
class FracturedMajority(Method):
    """The truncation axis: think until the h-th point, answer with the majority of the h answers.

    The latest answer wins a tie. A thinking with fewer points runs to its end, and its answer votes
    too. As in "fractured, early stop" the points are cues, with one greedy answer each.

    Attributes:
        first: Values of h.
    """

    title: ClassVar[str] = "fractured, majority"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    source: ClassVar[str] = "2505.12992"
    summary: ClassVar[str] = "exits at the h-th cue with the majority so far"
    first: tuple[int, ...] = (2, 4, 8)

    def outcomes(self, context: Context) -> list[Outcome]:
        return [VotedOutcome.of(context.splits.test, h, context.closing) for h in self.first]
