"""Leave once the model is sure of what comes right behind the closing text."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.closing_confidence import ClosingConfidence
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class ClosingCertainty(ThresholdRule):
    """Exit when the model is sure of the first token of its answer.

    Sureness is exp(-entropy) of the distribution right behind the closing text; no answer is
    decoded. Of no paper: EAT (arXiv 2509.26522) watches how much the same entropy varies.
    """

    title: ClassVar[str] = "closing certainty"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "entropy right behind the closing text"
    cost: ClassVar[str] = "closing text at every cue"
    guarantee: ClassVar[str] = "risk at most alpha"
    summary: ClassVar[str] = "exits once the model is sure of what its answer begins with"

    def signal(self, context: Context) -> Signal:
        return ClosingConfidence(context.closing)
