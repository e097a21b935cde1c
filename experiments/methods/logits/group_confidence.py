"""Leave once the last tokens were written with confidence (after DeepConf, arXiv 2508.15260)."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.signals.base import Signal
from probexit.exits.signals.group_confidence import GroupConfidence
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class DeepConfGroup(ThresholdRule):
    """Exit when the group confidence at a cue reaches the threshold.

    The paper uses group confidence to drop poor traces from a vote, not to end a good one. Here its
    own thresholds, percentiles of the lowest group confidence of the warm-up traces (our fit
    split), are read the other way round: they keep the top 10 or 90 % there, and exit here. Groups
    are looked at where a trace has cues.

    Attributes:
        window: Tokens of a group: 2,048 in the paper, fewer here, for traces of some hundred.
        percentiles: The paper's operating points, low and high.
    """

    title: ClassVar[str] = "DeepConf group"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "log-probabilities of the last thinking tokens"
    training: ClassVar[str] = "percentiles of some traces"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at a percentile"
    source: ClassVar[str] = "2508.15260"
    summary: ClassVar[str] = "exits once the last tokens were written with confidence"
    window: int = 64
    percentiles: tuple[int, ...] = (90, 10)

    def signal(self, context: Context) -> Signal:
        return GroupConfidence(self.window)

    def points(self, context: Context) -> dict[str, float]:
        scores = self.sweep(context).scores(context.splits.fit)
        lowest = torch.stack([s.min() for s in scores if len(s)]).double()
        return {f"percentile {p}": float(lowest.quantile(p / 100)) for p in self.percentiles}
