"""Sample until no fresh sample would be better (adaptive compute, arXiv 2410.02725)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.samples.restart_probe import RestartProbe
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.sample_until_sure import SampleUntilSure, described


@dataclass(frozen=True)
class AdaptiveSampling(LiveRule):
    """Draw samples one by one until a restart would not do better; answer with the best scored.

    So hard questions get more samples than easy ones, and there is no vote. The paper fine-tunes
    the model to say in one token whether a restart would do better; here the model stays frozen,
    and a logistic probe on the probabilities of a sample's tokens says it, trained with the paper's
    labels on pairs of recorded samples of one problem. The thresholds are the paper's, as far as a
    secondary source gives them; its annealed temperature is left out, its schedule being unknown.

    Attributes:
        enough: Scores at which sampling stops.
        most: Samples at most.
    """

    title: ClassVar[str] = "adaptive sampling"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "probabilities of every token"
    cost: ClassVar[str] = "samples until one is good enough"
    training: ClassVar[str] = "probe on pairs of graded samples"
    source: ClassVar[str] = "2410.02725"
    summary: ClassVar[str] = "samples until no fresh one would be better; takes the best"
    enough: tuple[float, ...] = (0.98, 0.92)
    most: int = 16

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        judge = self.judge(context.splits.fit)
        return {
            f"score {enough:g}": SampleUntilSure(judge, enough, self.most) for enough in self.enough
        }

    def judge(self, traces: Sequence[Trace]) -> RestartProbe:
        """Fit the judge on recorded samples.

        Raises:
            Unavailable: if problems have one sample each, or a fresh one is never better.
        """
        if not traces:
            raise Unavailable("it has no traces to learn from: record more problems")
        try:
            return RestartProbe.fit(
                torch.stack([described(trace) for trace in traces]),
                [trace.correct for trace in traces],
                [trace.problem for trace in traces],
            )
        except ValueError as why:
            raise Unavailable(f"{why}: record with --rollouts 4, or harder problems") from why
