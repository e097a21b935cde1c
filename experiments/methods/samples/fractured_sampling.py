"""Vote over trajectories x depths x answers (Fractured CoT sampling, arXiv 2505.12992)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.fractured import FracturedSampling
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class FracturedTrajectories(LiveRule):
    """Sample trajectories, answer at cuts of equal length as well as at the end, and vote.

    The paper's three axes at about equal cost: trajectories alone, or fewer with answers along
    them. The paper takes 16 x 16 x 4 and picks with a reward model; here the sizes are shown and
    the pick is the majority, as no reward model is at hand.

    Attributes:
        shapes: Trajectories, depths, answers at each depth.
    """

    title: ClassVar[str] = "fractured sampling"
    family: ClassVar[MethodFamily] = MethodFamily.SAMPLES
    reads: ClassVar[str] = "nothing"
    cost: ClassVar[str] = "n trajectories, and m answers at each of H depths"
    source: ClassVar[str] = "2505.12992"
    summary: ClassVar[str] = "votes over answers along several trajectories"
    shapes: tuple[tuple[int, int, int], ...] = ((2, 4, 2), (2, 1, 1), (1, 4, 2))

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"{n} x {h} x {m}": FracturedSampling(n, h, m) for n, h, m in self.shapes}
