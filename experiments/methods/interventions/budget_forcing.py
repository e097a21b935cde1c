"""Make the model think on where it would stop (budget forcing, s1, arXiv 2501.19393)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.lengthening import Lengthening
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class BudgetForcing(LiveRule):
    """Replace the end of the thinking by "Wait", so many times; the model goes on from there.

    The paper's extension: the end token is dropped and "Wait" appended, 1, 2, 4 or 6 times (the
    other half of budget forcing, the cap, is the row "fixed budget"). It spends tokens to gain
    accuracy, so its saving is negative; it stands here to show what more thinking is worth. As in
    the released harness every round has the whole budget that is left, not a share of it.

    Attributes:
        rounds: How often the end is replaced.
        word: What stands in its place.
    """

    title: ClassVar[str] = "budget forcing"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "nothing"
    cost: ClassVar[str] = "longer thinking; the answers thrown away"
    source: ClassVar[str] = "2501.19393"
    summary: ClassVar[str] = "replaces the end of the thinking by a word, so many times"
    rounds: tuple[int, ...] = (1, 2)
    word: str = "Wait"

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {f"{n} x {self.word}": Lengthening(n, self.word) for n in self.rounds}
