"""Leave once the trial answer has not changed for a while (arXiv 2506.02536)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.run_length import RunLength
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class AnswerConsistency(ThresholdRule):
    """Exit after k equal trial answers in a row.

    The paper asks after every sentence, with k = 10 in its main table; here the run's cues are
    asked, which are fewer, so k = 3 is shown too. Answers are equal if their texts are.

    Attributes:
        published: The paper's k.
        practical: A k that traces of a few cues can reach.
    """

    title: ClassVar[str] = "Answer Consistency"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at a given k"
    source: ClassVar[str] = "2506.02536"
    summary: ClassVar[str] = "exits once the trial answer stays the same"
    published: int = 10
    practical: int = 3

    def signal(self, context: Context) -> Signal:
        return RunLength(context.closing)

    def points(self, context: Context) -> dict[str, float]:
        return {
            f"published k = {self.published}": float(self.published),
            f"k = {self.practical}": float(self.practical),
        }
