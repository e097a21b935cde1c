"""Our probe under an exponential moving average: the simplest way to steady a score."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.exponential import Exponential
from probexit.exits.signals.base import Signal
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class AveragedProbe(ThresholdRule):
    """Exit when the moving average of the probe's scores is high enough.

    A baseline without a paper of its own: it tells whether a rule that reads the past does more
    than steady the scores.

    Attributes:
        weight: Weight of the newest score.
    """

    title: ClassVar[str] = "probe, moving average"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "probe on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha"
    summary: ClassVar[str] = "exits once the probe's scores are high on average"
    weight: float = 0.3

    def signal(self, context: Context) -> Signal:
        return context.probe

    def policy(self, context: Context) -> ExitPolicy:
        return Exponential(weight=self.weight)
