"""Send easy questions to the small model by their words (Hybrid LLM, arXiv 2404.14618)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.calibration.base import Array
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.question_classifier import QuestionClassifier
from probexit.experiments.methods.core.routed_models import RoutedModels, SmallModelRuns
from probexit.experiments.methods.online.result_store import Fresh


@dataclass(frozen=True)
class HybridLLM(RoutedModels):
    """The small model answers where a router of the question's words finds it good enough.

    The probabilistic router: its soft label is the chance that the small model's answer is at least
    as good as the large one's, here over four samples of the small model on the fit split and the
    recorded run. Quality is the grade, 0 or 1, so that the paper's shifted labels (r_trans) are
    these or all 1, and are left out. The paper's router is DeBERTa-v3-large; here it is a logistic
    regression on words. In deployment the small model answers once.
    """

    title: ClassVar[str] = "Hybrid LLM"
    reads: ClassVar[str] = "the question's words"
    cost: ClassVar[str] = "one run of the small or the large model"
    training: ClassVar[str] = "classifier of words, graded runs of both"
    source: ClassVar[str] = "2404.14618"
    summary: ClassVar[str] = "sends questions to the small model by their words"
    samples: int = 4

    @property
    def deployed(self) -> int:
        return 1

    def scores(self, context: Context, runs: SmallModelRuns, traces: Sequence[Trace]) -> Array:
        router = context.once((self, "router"), lambda: self._router(context, runs))
        found: Array = router.score([trace.question for trace in traces]).double().numpy()
        return found

    def answered(self, samples: Sequence[Fresh], small: bool) -> Fresh:
        if small:
            return samples[0]
        return replace(samples[0], thinking=0, answer_tokens=0)  # it was not asked

    def points(self) -> dict[str, float]:
        return {"even odds": 0.5}

    def _router(self, context: Context, runs: SmallModelRuns) -> QuestionClassifier:
        traces = context.splits.fit
        if not traces:
            raise Unavailable("it has no traces to learn from: record more problems")
        chance = [
            sum(fresh.correct >= trace.correct for fresh in samples) / len(samples)
            for trace, samples in zip(traces, runs.on(traces), strict=True)
        ]
        try:
            return QuestionClassifier.fit([trace.question for trace in traces], chance)
        except ValueError as why:
            raise Unavailable(f"{why}: record harder problems") from why
