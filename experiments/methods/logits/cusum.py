"""Leave once the entropy of the thinking has dropped for good (CUSUM, arXiv 2606.02020)."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.signals.base import Signal
from probexit.exits.signals.entropy_cusum import EntropyCusum
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Cusum(ThresholdRule):
    """Exit when a cumulative sum finds that the entropy per token has dropped.

    The form is Page's: it restarts at 0 and adds, per thinking token, the reference less the
    entropy. The reference is the mean entropy of the fit split's thinking (no grades are used). The
    paper's increments and thresholds were not verified, so only a certified threshold is shown.
    """

    title: ClassVar[str] = "CUSUM of entropy"
    family: ClassVar[MethodFamily] = MethodFamily.LOGITS
    reads: ClassVar[str] = "entropy of every thinking token"
    training: ClassVar[str] = "mean entropy of thinking"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2606.02020"
    summary: ClassVar[str] = "exits once the entropy per token has dropped for good"

    def signal(self, context: Context) -> Signal:
        thinking = [t.entropies[t.begins : t.begins + t.thinking] for t in context.splits.fit]
        pooled = torch.cat([torch.empty(0), *thinking])
        if not len(pooled):
            raise Unavailable("no trace of the fit split has any thinking: record more problems")
        return EntropyCusum(float(pooled.mean()))
