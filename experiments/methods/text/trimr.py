"""Leave once steps in a row come to the same answer (TrimR, arXiv 2505.17155)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from probexit.exits.signals.base import Signal
from probexit.exits.signals.trimr_count import TrimRCount
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class TrimR(ThresholdRule):
    """Exit when steps in a row come to the same answer, when there are too many, or on repetition.

    The paper's verifier is an instruction-tuned model of 7 billion parameters; the default here
    compares the answers that the steps state in words, and `--verifier MODEL` asks a model, whose
    reading is charged. Three equal answers stop it, as in the paper; one confirmation less and a
    certified number are shown too. The paper's number of steps without them is not known: here it
    is that which nine of ten traces of the fit split keep. The paper's verifier runs beside the
    model and its stop comes late; here the stop is at the cue.

    Attributes:
        confirmations: Numbers shown.
        patience: Share of the traces that end within the largest number of steps.
    """

    title: ClassVar[str] = "TrimR"
    family: ClassVar[MethodFamily] = MethodFamily.TEXT
    reads: ClassVar[str] = "answers stated in the thinking"
    cost: ClassVar[str] = "none; with a model as verifier, what it reads"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    source: ClassVar[str] = "2505.17155"
    summary: ClassVar[str] = "exits once steps in a row come to the same answer"
    confirmations: tuple[int, ...] = (1, 2)
    patience: float = 0.9

    def signal(self, context: Context) -> Signal:
        steps = [len(trace.cues) for trace in context.splits.fit]
        if not steps:
            raise Unavailable("it has no traces to learn from: record more problems")
        most = max(1, int(np.quantile(steps, self.patience, method="higher")))
        return TrimRCount(context.verifier, most)

    def points(self, context: Context) -> dict[str, float]:
        return {f"{number} confirmed": float(number) for number in self.confirmations}
