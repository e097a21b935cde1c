"""Leave once ending is almost the likeliest next token (ThinkBrake, arXiv 2510.00546)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.end_margin import EndMargin
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class ThinkBrake(ThresholdRule):
    """Exit when the log-probability that ending lacks to the likeliest other token is small.

    Published margins are .1 (Qwen3, R1-7B) and 2.5 (Phi-4), in nats. Unlike the paper, which reads
    at the ends of sentences, it reads at this run's cues: behind a word such as "Wait" a model
    hardly ever wants to end, so the published margins may exit nowhere; try ``--cues sentence``.
    """

    title: ClassVar[str] = "ThinkBrake"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "next-token margin of the end of thinking"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none as published"
    source: ClassVar[str] = "2510.00546"
    summary: ClassVar[str] = "exits once the model would almost end by itself"
    published: tuple[float, ...] = (0.1, 2.5)

    def signal(self, context: Context) -> Signal:
        return EndMargin()

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {margin:g}": -margin for margin in self.published}
