"""Leave once the model is sure of a trial answer, within ten trials (DEER, arXiv 2504.15895)."""

from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.exits.signals.deer import DeerArithmetic
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import Point


@dataclass(frozen=True)
class Deer(ThresholdRule):
    """Exit when the mean probability of the trial answer's tokens reaches .95; at most ten trials.

    The mean is arithmetic, as the code has it for R1 and QwQ. The trial uses this run's cues and
    closing text, which ends where the answer begins, so every token counts. The code leaves the
    first token out, the brace behind its "boxed"; taken literally, that leaves out the answer
    itself here, and the row "as coded" shows what comes of it. The paper asks for more than .95,
    here .95 exits; its thinking budget and, for Qwen3, its test that the model would close the
    thinking by itself are not used.

    Attributes:
        published: The paper's threshold.
    """

    title: ClassVar[str] = "DEER"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "probabilities of a trial answer"
    cost: ClassVar[str] = "closing text and a trial answer at the first ten cues"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at .95"
    source: ClassVar[str] = "2504.15895"
    summary: ClassVar[str] = "exits once the model is sure of one of ten trial answers"
    published: float = 0.95

    def signal(self, context: Context) -> DeerArithmetic:
        return DeerArithmetic(context.closing)

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {self.published:g}": self.published}

    def outcomes(self, context: Context) -> list[Outcome]:
        sweep = replace(self.sweep(context), signal=replace(self.signal(context), skip=1))
        coded = Point(f"{self.published:g}, as coded", self.published)
        return [*super().outcomes(context), *sweep.outcomes(context.splits.test, [coded])]
