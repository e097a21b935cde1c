"""Leave once a probing text finds the model sure (after ConCISE, arXiv 2505.04881)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.closing_confidence import ClosingConfidence
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Concise(ThresholdRule):
    """Exit when the model is sure of what comes right behind the closing text.

    The paper's confidence detector appends a probing text and reads how much probability goes to
    confident words; it cuts training traces with it, and is no inference rule. Here the closing
    text is the probe, and sureness is exp(-entropy) of what would follow. The paper's threshold was
    not verified, so only a certified one is shown.
    """

    title: ClassVar[str] = "ConCISE confidence"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "entropy right behind the closing text"
    cost: ClassVar[str] = "closing text at every cue"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2505.04881"
    summary: ClassVar[str] = "exits once the model is sure of what its answer begins with"

    def signal(self, context: Context) -> Signal:
        return ClosingConfidence(context.closing)
