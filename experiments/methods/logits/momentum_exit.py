"""Leave after a step as sure as those before it: MUR's momentum, turned into an exit."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.momentum import MomentumRatio
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class MomentumExit(ThresholdRule):
    """Exit after a step whose mean probability reaches a share of the momentum's.

    MUR (arXiv 2507.14958) spends more on steps below the share and ends nothing: that is the row
    "MUR". The opposite use is ours: a step that would need no more ends the thinking, from the
    second step on. Steps lie between this run's cues.

    Attributes:
        alpha: Weight of the past in the momentum.
        gamma: The share that MUR uses.
    """

    title: ClassVar[str] = "momentum exit"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "log-probabilities of the thinking, by step"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    summary: ClassVar[str] = "exits after a step as sure as those before it"
    alpha: float = 0.9
    gamma: float = 0.8

    def signal(self, context: Context) -> Signal:
        return MomentumRatio(self.alpha)

    def points(self, context: Context) -> dict[str, float]:
        return {f"share {self.gamma:g}": self.gamma}
