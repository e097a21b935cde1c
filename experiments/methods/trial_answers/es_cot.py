"""Leave once a trial answer stays much longer than those before it (ES-CoT, arXiv 2509.14004)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.signals.base import Signal
from probexit.exits.signals.run_jump import RunJump
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import whole_numbers


@dataclass(frozen=True)
class EsCot(ThresholdRule):
    """Exit when the newest run of equal trial answers outlasts the one before by ``d_min`` answers.

    A one-sided t-test must also find the jump larger than the earlier ones. The paper's first
    version asks at every reasoning step, the second only at markers such as "wait". The rule is the
    same; which of the two this is depends on the cues that the run was recorded with: paragraphs or
    sentences give the first version, reflection words the second. Whether the second version keeps
    ``d_min = 10`` we could not verify. With fewer than a dozen cues a trace the published jump
    cannot happen; the certified one may be smaller.

    Attributes:
        published: The paper's ``d_min``.
    """

    title: ClassVar[str] = "ES-CoT"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "texts of trial answers"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; its t-test promises nothing"
    source: ClassVar[str] = "2509.14004"
    summary: ClassVar[str] = "exits once the trial answer stays much longer than before"
    published: int = 10

    def signal(self, context: Context) -> Signal:
        return RunJump(context.closing)

    def grid(self, context: Context, signal: Signal) -> Tensor:
        return whole_numbers(context.splits.fit, self.published)

    def points(self, context: Context) -> dict[str, float]:
        return {f"published d = {self.published}": float(self.published)}
