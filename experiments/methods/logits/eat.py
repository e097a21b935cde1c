"""Leave once the entropy behind the closing text has settled (EAT, arXiv 2509.26522)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.entropy_variance import EntropyVariance
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import Point


@dataclass(frozen=True)
class Eat(ThresholdRule):
    """Exit when the moving variance of the entropy right behind the closing text is small.

    Shown as published (variance at most 2e-4, after 4 / alpha = 20 cues), at the published variance
    with a short warm-up, and certified with the short warm-up: many traces have fewer than 20 cues.
    Unlike the paper, which reads at every paragraph, it reads at this run's cues, with its closing
    text.

    Attributes:
        alpha: Weight of the newest entropy.
        delta: The published variance, nats squared.
        warm_up: Cues that cannot be exits, in the short form.
    """

    title: ClassVar[str] = "EAT"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "entropy right behind the closing text"
    cost: ClassVar[str] = "closing text at every cue"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none as published"
    source: ClassVar[str] = "2509.26522"
    summary: ClassVar[str] = "exits once the entropy behind the closing text has settled"
    alpha: float = 0.2
    delta: float = 2e-4
    warm_up: int = 2

    def signal(self, context: Context) -> Signal:
        return EntropyVariance(context.closing, self.alpha, self.warm_up)

    def points(self, context: Context) -> dict[str, float]:
        return {f"{self.delta:g}, {self.warm_up} cues": -self.delta}

    def outcomes(self, context: Context) -> list[Outcome]:
        sweep = self.sweep(context)
        slow = EntropyVariance(context.closing, self.alpha, round(4 / self.alpha))
        published = [Point(f"published {self.delta:g}", -self.delta)]
        first = replace(sweep, signal=slow).outcomes(context.splits.test, published)
        return [*first, *super().outcomes(context)]
