"""What presets share that generate the test problems anew: the bench, and one run per problem."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import Method, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.outcome import FreshOutcome


@dataclass(frozen=True)
class LiveRule(Method):
    """Generate the test problems anew, in one way per operating point."""

    replayed: ClassVar[bool] = False

    @abstractmethod
    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        """Return how to generate, by the label of the operating point; fitted on the fit split."""

    def outcomes(self, context: Context) -> list[Outcome]:
        bench = bench_of(context)
        recipes = self.recipes(context, bench)
        traces, title = context.splits.test, self.title
        return [
            FreshOutcome.of(
                label,
                bench.measure(recipe, traces, f"{title} {label}".strip()),
                traces,
                context.loss,
                bench.task.same,
            )
            for label, recipe in recipes.items()
        ]


def bench_of(context: Context) -> LiveEvaluator:
    """Return the bench.

    Raises:
        Unavailable: if the comparison has none.
    """
    if context.bench is None:
        raise Unavailable("needs the model: compare with a bench, as `probexit compare` does")
    return context.bench
