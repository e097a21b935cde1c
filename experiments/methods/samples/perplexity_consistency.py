"""Vote over samples by their probabilities (RPC, arXiv 2502.00511 and 2510.15444)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.samples.perplexity_consistency import PerplexityConsistency
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples


@dataclass(frozen=True)
class ReasoningPruningPerplexity(LiveRule):
    """Probability-weighted self-consistency, improbable samples pruned before the vote.

    As the released code (@ec0d75a): length-normalised probabilities, a Weibull mixture per problem.
    The paper draws 64 or 128 samples and reaches the accuracy of self-consistency with half as
    many; here it is 8, so the saving must be read against "short-m@k" with as many. With so few,
    the fit of five parameters to them is coarse.

    Attributes:
        samples: Numbers of samples of a problem.
    """

    title: ClassVar[str] = "RPC"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "probabilities of every token"
    cost: ClassVar[str] = "k samples"
    source: ClassVar[str] = "2502.00511"
    summary: ClassVar[str] = "probability-weighted vote, improbable samples pruned"
    samples: tuple[int, ...] = (8, 4)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"{k} samples": Samples(PerplexityConsistency(k=k)) for k in self.samples}
