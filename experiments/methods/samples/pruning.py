"""Stop samples that a restart would probably better (arXiv 2410.02725)."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import ClassVar

import torch

from probexit.exits.samples.pruning import Pruning, features
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class MidGenerationPruning(LiveRule):
    """Look at the samples twice while they are written, and stop those that a fresh one beats.

    The paper trains the model to say whether restarting would do better, and looks after 64 or 128
    tokens. Here a logistic probe reads the probabilities of the tokens so far; it is trained on
    prefixes of the fit split's runs, and a fresh sample is right as often as these were. Those left
    vote, where the paper takes the sample that is most sure of itself.

    Attributes:
        k: Samples of a problem.
        shares: When to look, as shares of the mean thinking of the fit split.
    """

    title: ClassVar[str] = "mid-generation pruning"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "probabilities of every token"
    cost: ClassVar[str] = "k samples, bad ones until they are stopped"
    training: ClassVar[str] = "probe on prefixes of graded runs"
    source: ClassVar[str] = "2410.02725"
    summary: ClassVar[str] = "stops samples that a fresh one would probably better"
    k: int = 4
    shares: tuple[float, ...] = (0.25, 0.5)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {"": Samples(self.rule(context.splits.fit))}

    def rule(self, traces: Sequence[Trace]) -> Pruning:
        """Fit the rule on recorded runs.

        Raises:
            Unavailable: if they are all right or all wrong.
        """
        full = mean(trace.thinking for trace in traces)
        at = tuple(sorted({max(1, round(share * full)) for share in self.shares}))
        prefixes = [(trace, n) for n in at for trace in traces if len(trace.token_ids) > n]
        right = torch.tensor([trace.correct for trace, _ in prefixes])
        if right.all() or not right.any():
            raise Unavailable("it needs right and wrong runs to train on: record harder problems")
        numbers = {p: i for i, p in enumerate(sorted({trace.problem for trace in traces}))}
        groups = torch.tensor([numbers[trace.problem] for trace, _ in prefixes])
        states = torch.stack([_prefix(trace, n) for trace, n in prefixes])
        probe = Logistic(C=1.0).fit(states, right.long(), groups)
        return Pruning(k=self.k, probe=probe, floor=mean(float(t.correct) for t in traces), at=at)


def _prefix(trace: Trace, n: int) -> torch.Tensor:
    return features(trace.logprobs[:n], trace.entropies[:n], trace.confidences[:n])
