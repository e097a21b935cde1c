"""Choose among samples by length and markers (Think Deep, Think Fast, arXiv 2504.14047)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from sklearn.linear_model import LogisticRegression

from probexit.exits.samples.marker_vote import PUBLISHED, MarkerVote, standardised
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples

LENGTH_ALONE = (-1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class ThinkDeepVote(LiveRule):
    """Weigh the votes of several samples by their length and their markers.

    The paper shows how these features differ between right and wrong responses and says that they
    improve existing methods; how it uses them was not found, so the z-scores, the vote and the word
    lists are a plain reading. Length alone is the ablation, for it usually carries most of the
    signal. "fitted" learns the four weights by logistic regression on the graded runs of the fit
    split, their features standardised over it. To be read beside the plain majority of as many
    samples ("short-m@k", all of k), which votes over the very same samples.

    Attributes:
        k: Samples of a problem.
    """

    title: ClassVar[str] = "Think Deep, Think Fast"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "lengths and marker words of whole samples"
    cost: ClassVar[str] = "k samples to their end"
    training: ClassVar[str] = 'none; "fitted": four weights on graded runs'
    source: ClassVar[str] = "2504.14047"
    summary: ClassVar[str] = "short samples with few hedges and doubts count more"
    k: int = 4

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        fitted = fitted_signs(context.splits.fit, bench.reasoner.tokenizer)
        return {"": self._vote(PUBLISHED), "fitted": self._vote(fitted)}

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {"length alone": self._vote(LENGTH_ALONE)}

    def _vote(self, signs: tuple[float, ...]) -> Recipe:
        return Samples(MarkerVote(k=self.k, signs=signs))


def fitted_signs(traces: Sequence[Trace], tokenizer: Any) -> tuple[float, ...]:
    """Learn the features' weights from graded runs.

    Raises:
        Unavailable: if they are all right or all wrong.
    """
    right = [trace.correct for trace in traces]
    if all(right) or not any(right):
        raise Unavailable("it needs right and wrong runs to learn from: record harder problems")
    rule = MarkerVote()
    table = torch.stack(
        [rule.features(tokenizer.decode(t.token_ids), len(t.token_ids)) for t in traces]
    )
    weights = LogisticRegression().fit(standardised(table).numpy(), right).coef_[0]
    return tuple(round(float(weight), 4) for weight in weights)
