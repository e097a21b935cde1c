"""Spend more where it pays, by how hard the question looks (compute-optimal, arXiv 2408.03314)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import ClassVar

import torch

from probexit.exits.samples.short_m import ShortM
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.before_thinking import start_probe, start_states
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.lengthening import Lengthening
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.online.routing import Routed
from probexit.experiments.methods.online.samples import Samples


@dataclass(frozen=True)
class ComputeOptimal(LiveRule):
    """Sample, lengthen or leave alone, whichever was best on questions that looked as hard.

    Difficulty is predicted before any token, by a probe on the last prompt token's state for
    whether the recorded run is right, in bins of equal size; the paper takes the mean score of a
    verifier over 2,048 samples, in five bins. For each bin the strategy with the best accuracy on
    the fit split within the budget is taken, the cheapest of equal ones; the paper chooses on one
    half of its test problems and reports on the other. Strategies: one run, the majority of several
    runs (parallel), one run lengthened by "Wait" (sequential). Tree search is left out.

    Attributes:
        budgets: Most tokens, in full runs.
        bins: Bins of difficulty.
        learn: Problems of the fit split on which the strategies are tried.
    """

    title: ClassVar[str] = "compute-optimal"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "last prompt token's hidden states"
    cost: ClassVar[str] = "one run or several, by the question"
    training: ClassVar[str] = "probe on graded runs; strategies tried on the fit split"
    source: ClassVar[str] = "2408.03314"
    summary: ClassVar[str] = "samples or thinks longer by how hard the question looks"
    budgets: tuple[float, ...] = (4.0, 2.0)
    bins: int = 3
    learn: int = 100

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        fit = list({trace.problem: trace for trace in context.splits.fit}.values())[: self.learn]
        probe = start_probe(context, [trace.correct for trace in context.splits.fit])
        scores = probe.score(start_states(fit)).double()
        edges = scores.quantile(torch.linspace(0, 1, self.bins + 1).double()[1:-1])
        bins = torch.bucketize(scores, edges).tolist()
        test = context.splits.test
        looks = probe.score(start_states(test)).double() if test else torch.empty(0)
        seen = torch.bucketize(looks, edges).tolist()
        routes = {trace.problem: str(b) for trace, b in zip(test, seen, strict=True)}
        strategies = self.strategies()
        tried = {
            name: bench.measure(recipe, fit, f"{self.title}: {name}")
            for name, recipe in strategies.items()
        }
        full = mean(len(trace.token_ids) for trace in fit)
        return {
            f"{budget:g} full runs": Routed(
                {b: strategies[n] for b, n in chosen(tried, bins, budget * full).items()}, routes
            )
            for budget in self.budgets
        }

    def strategies(self) -> dict[str, Recipe]:
        """Return the strategies by name, the cheapest first."""
        return {
            "one run": InterventionRun(),
            "lengthened": Lengthening(1, "Wait"),
            "2 runs": Samples(ShortM(k=2, m=2)),
            "4 runs": Samples(ShortM(k=4, m=4)),
        }


def chosen(
    tried: Mapping[str, Sequence[Fresh]], bins: Sequence[int], budget: float
) -> dict[str, str]:
    """Return the best strategy of each bin, by the bin's number.

    Args:
        tried: What each strategy gave on ``n`` problems.
        bins: The bin of each problem, ``n``.
        budget: Most tokens of a problem, in the mean over the bin.

    Raises:
        Unavailable: if no strategy keeps the budget in some bin.
    """
    found = {}
    for b in sorted(set(bins)):
        own = [i for i, each in enumerate(bins) if each == b]
        rated = {name: _rated([fresh[i] for i in own]) for name, fresh in tried.items()}
        within = {name: rate for name, rate in rated.items() if -rate[1] <= budget}
        if not within:
            raise Unavailable(f"no strategy keeps {budget:.0f} tokens: allow a larger budget")
        found[str(b)] = max(within, key=lambda name: within[name])
    return found


def _rated(fresh: Sequence[Fresh]) -> tuple[float, float]:
    """Return accuracy, and the tokens of a problem, negated: larger = better."""
    tokens = mean(f.thinking + f.answer_tokens + f.probing for f in fresh)
    return mean(f.correct for f in fresh), -tokens
