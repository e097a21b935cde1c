"""Keep the answers of the samples that finish first (short-m@k, arXiv 2505.17813)."""

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
class ShortMAtK(LiveRule):
    """Sample ``k`` runs in step, stop at the ``m``-th that finishes, take the majority of these.

    Ties go to the shortest thinking, as in the paper. ``m = k`` stops nothing: the majority vote of
    self-consistency (arXiv 2203.11171), to read the others beside. All tokens of all samples are
    counted, where the paper also counts time: all ``k`` run side by side.

    Attributes:
        k: Samples of a problem.
        finishers: Values of m.
    """

    title: ClassVar[str] = "short-m@k"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "which sample finishes first"
    cost: ClassVar[str] = "k samples until the m-th finishes"
    source: ClassVar[str] = "2505.17813"
    summary: ClassVar[str] = "stops all samples at the m-th finisher; majority of these"
    k: int = 4
    finishers: tuple[int, ...] = (4, 3, 1)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"{m} of {self.k}": Samples(ShortM(k=self.k, m=m)) for m in self.finishers}
