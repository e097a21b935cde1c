"""What presets share that generate the test problems anew: the bench, and one run per problem."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import Method, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_certificate import (
    certify_live,
    drawn,
    with_calibration,
)
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.outcome import FreshOutcome


@dataclass(frozen=True)
class LiveRule(Method):
    """Generate the test problems anew, in one way per operating point.

    One more row is certified, where ``context.fresh`` calibration problems are generated anew too.

    Attributes:
        certifies: False for a reference, which promises nothing.
    """

    replayed: ClassVar[bool] = False
    guarantee: ClassVar[str] = "risk at most alpha, where certified on fresh runs; none elsewhere"
    certifies: ClassVar[bool] = True

    @abstractmethod
    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        """Return how to generate, by the label of the operating point, the most careful first.

        Fitted on the fit split; what is chosen for each problem, for those of the test split.
        """

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        """Return what the rule is to be read beside, itself without its idea; none by default.

        By label, as ``recipes``; shown, and never certified.
        """
        return {}

    def outcomes(self, context: Context) -> list[Outcome]:
        bench = bench_of(context)
        calibrate = drawn(context) if self.certifies else []
        fitted = with_calibration(context) if calibrate else context
        recipes, controls = self.recipes(fitted, bench), self.controls(fitted, bench)
        traces, title = context.splits.test, self.title
        points = {
            label: FreshOutcome.of(
                label,
                bench.measure(recipe, traces, f"{title} {label}".strip()),
                traces,
                context.loss,
                bench.task.same,
            )
            for label, recipe in {**recipes, **controls}.items()
        }
        if not calibrate:
            return list(points.values())
        names = (type(self).__module__.rpartition(".")[2], title)
        found = certify_live(context, names, bench, recipes, calibrate)
        return [*points.values(), found.outcome(points, len(traces))]


def bench_of(context: Context) -> LiveEvaluator:
    """Return the bench.

    Raises:
        Unavailable: if the comparison has none.
    """
    if context.bench is None:
        raise Unavailable("needs the model: compare with a bench, as `probexit compare` does")
    return context.bench
