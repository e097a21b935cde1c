"""Take the sample that finishes first (First Finish Search, arXiv 2505.18149)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.samples.short_m import ShortM
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.samples import Samples


@dataclass(frozen=True)
class FirstFinishSearch(LiveRule):
    """Sample several runs in step and stop all when one has finished: its answer is given.

    The same rule as short-1@k; shown over the number of samples, as the paper does.

    Attributes:
        samples: How many run side by side.
    """

    title: ClassVar[str] = "first finish search"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "which sample finishes first"
    cost: ClassVar[str] = "all samples until the first finishes"
    source: ClassVar[str] = "2505.18149"
    summary: ClassVar[str] = "answers with the first sample that finishes"
    samples: tuple[int, ...] = (2, 8)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"1 of {k}": Samples(ShortM(k=k, m=1)) for k in self.samples}
