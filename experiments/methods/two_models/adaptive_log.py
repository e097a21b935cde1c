"""Ask the large model where the small one is unsure (AdaptiveLog, arXiv 2501.11031)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from probexit.calibration.base import Array
from probexit.exits.answers.key import answer_key
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.routed_models import RoutedModels, SmallModelRuns
from probexit.experiments.methods.online.result_store import Fresh


@dataclass(frozen=True)
class AdaptiveLog(RoutedModels):
    """The small model answers several times; where it often contradicts itself, the large one does.

    ``post = (prior + k) / (N + 1)``, with the small model's error on the fit split as prior and
    ``k`` of its ``N`` answers unlike its usual one; from .5 on the large model answers. The paper's
    small model is a classifier whose dropout is left on; a generating model is sampled instead. The
    paper adds similar solved cases to the large model's prompt, which is left out. The source is a
    copy of the code, which counts the *stable* passes, against its own text; this is the text.

    Attributes:
        ask: Value of ``post`` from which on the large model is asked.
    """

    title: ClassVar[str] = "AdaptiveLog"
    reads: ClassVar[str] = "answers of the small model"
    cost: ClassVar[str] = "N runs of the small model, and the large one's where unsure"
    source: ClassVar[str] = "2501.11031"
    summary: ClassVar[str] = "asks the large model where the small one contradicts itself"
    samples: int = 5
    ask: float = 0.5

    def scores(self, context: Context, runs: SmallModelRuns, traces: Sequence[Trace]) -> Array:
        prior = context.once((self, "prior"), lambda: self._prior(context, runs))
        return np.array([-posterior(samples, prior) for samples in runs.on(traces)], np.float64)

    def answered(self, samples: Sequence[Fresh], small: bool) -> Fresh:
        first = usual(samples)
        total = sum(fresh.thinking + fresh.answer_tokens for fresh in samples)
        spent = total - first.thinking - first.answer_tokens
        return Fresh(
            first.problem,
            first.answer,
            first.correct,
            first.thinking,
            first.answer_tokens,
            probing=spent,
        )

    def points(self) -> dict[str, float]:
        # as a score, larger = surer: the next number above -ask
        return {f"post {self.ask:g}": float(np.nextafter(-self.ask, 0))}

    def _prior(self, context: Context, runs: SmallModelRuns) -> float:
        wrong = [not usual(samples).correct for samples in runs.on(context.splits.fit)]
        return float(np.mean(wrong)) if wrong else 0.0


def usual(samples: Sequence[Fresh]) -> Fresh:
    """Return the first sample that gives the most frequent answer; of equal ones, the earliest."""
    counts = Counter(answer_key(fresh.answer) for fresh in samples)
    most = max(counts.values())
    return next(fresh for fresh in samples if counts[answer_key(fresh.answer)] == most)


def posterior(samples: Sequence[Fresh], prior: float) -> float:
    """Return how far the small model is to be doubted, in (0, 1)."""
    key = answer_key(usual(samples).answer)
    unlike = sum(answer_key(fresh.answer) != key for fresh in samples)
    return (prior + unlike) / (len(samples) + 1)
