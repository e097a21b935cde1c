"""Vote by the probabilities of the samples, the improbable ones pruned (RPC, arXiv 2502.00511)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from statistics import mean

from probexit.exits.samples.base import Sample, SampleRule, State
from probexit.exits.samples.weibull_mixture import WeibullMixture


@dataclass(frozen=True)
class PerplexityConsistency(SampleRule):
    """Reasoning-pruning perplexity consistency: each distinct sample votes with its probability.

    ``p_i = exp(mean log-probability of the tokens)``, as in the released code; a completion that
    was drawn twice votes once. Before the vote a mixture of two Weibull distributions is fitted to
    the ``p_i`` of this problem, and sample ``i`` is dropped where ``P(high | p_i) < 1/2`` and
    ``p_i < mean(p)``. The likeliest sample is never dropped. No sample is stopped: the rule is a
    vote, and the paper saves by drawing fewer samples.

    Attributes:
        fit_from: Distinct samples from which on the mixture, of five parameters, is fitted; with
            fewer, nothing is dropped. Ours: the paper, with 64 and more, fits always.
    """

    k: int = 8
    fit_from: int = 6

    def stop(self, group: Sequence[Sample]) -> list[int]:
        return []

    def weights(self, group: Sequence[Sample]) -> list[float]:
        first: dict[tuple[int, ...], int] = {}
        for i, sample in enumerate(group):
            if sample.state is State.FINISHED:
                first.setdefault(tuple(sample.ids[: sample.tokens]), i)
        distinct = sorted(first.values())
        probabilities = [path_probability(group[i]) for i in distinct]
        kept = self.kept(probabilities)
        votes = {i: p for i, p, keep in zip(distinct, probabilities, kept, strict=True) if keep}
        return [votes.get(i, 0.0) for i in range(len(group))]

    def kept(self, probabilities: Sequence[float]) -> list[bool]:
        """Tell which of some distinct samples are kept, by their probabilities."""
        if len(probabilities) < self.fit_from:
            return [True] * len(probabilities)
        high = WeibullMixture.fit(probabilities).of_high(probabilities)
        middle = mean(probabilities)
        return [p >= middle or h >= 0.5 for p, h in zip(probabilities, high, strict=True)]


def path_probability(sample: Sample) -> float:
    """Return the geometric mean probability of a sample's tokens, in (0, 1]."""
    return exp(mean(sample.logprobs[: sample.tokens])) if sample.tokens else 1.0
