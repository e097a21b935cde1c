"""Leave after a step as sure as those before it (after MUR, arXiv 2507.14958)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.momentum import MomentumRatio
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Mur(ThresholdRule):
    """Exit after a step whose mean probability reaches a share of the momentum's.

    The paper spends extra compute on a step below the share gamma = .8 and none on others; it does
    not end the thinking. Here a step that would need none ends it, from the second step on. Steps
    lie between this run's cues.

    Attributes:
        alpha: Weight of the past in the momentum.
        gamma: The published share.
    """

    title: ClassVar[str] = "MUR momentum"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "log-probabilities of the thinking, by step"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none as published"
    source: ClassVar[str] = "2507.14958"
    summary: ClassVar[str] = "exits after a step as sure as those before it"
    alpha: float = 0.9
    gamma: float = 0.8

    def signal(self, context: Context) -> Signal:
        return MomentumRatio(self.alpha)

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {self.gamma:g}": self.gamma}
