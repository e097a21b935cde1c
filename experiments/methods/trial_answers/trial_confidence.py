"""Leave once the model is sure of its trial answer (DEER, arXiv 2504.15895)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class TrialConfidencePreset(ThresholdRule):
    """Exit when the geometric mean probability of the trial answer reaches the threshold.

    As in the paper the threshold is .95 and the answer is written again after the exit. Unlike it,
    the trial uses this run's closing text and cues, and there is no limit of ten trials.
    """

    title: ClassVar[str] = "trial answer"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "probabilities of a trial answer"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at .95"
    source: ClassVar[str] = "2504.15895"
    summary: ClassVar[str] = "exits once the model is sure of a trial answer"
    published: float = 0.95

    def signal(self, context: Context) -> Signal:
        return TrialConfidence(context.closing)

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {self.published:g}": self.published}
