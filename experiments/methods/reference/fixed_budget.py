"""Stop after so many tokens, whatever was thought: the budget forcing of s1 (arXiv 2501.19393)."""

from dataclasses import dataclass
from statistics import mean
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.position import Position
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class FixedBudget(ThresholdRule):
    """Exit at the first cue at or after a number of thinking tokens.

    The paper cuts at the token itself; here an exit waits for the next cue, as all rules do.

    Attributes:
        shares: Budgets shown, as shares of the mean thinking of the fit split.
    """

    title: ClassVar[str] = "fixed budget"
    family: ClassVar[MethodFamily] = MethodFamily.BLIND
    reads: ClassVar[str] = "how many tokens were thought"
    guarantee: ClassVar[str] = "risk at most alpha, where certified"
    source: ClassVar[str] = "2501.19393"
    summary: ClassVar[str] = "exits at the first cue after a number of tokens"
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)

    def signal(self, context: Context) -> Signal:
        return Position()

    def points(self, context: Context) -> dict[str, float]:
        full = mean(trace.thinking for trace in context.splits.fit)
        budgets = [max(1, round(share * full)) for share in self.shares]
        return {f"{budget} tokens": float(budget) for budget in budgets}
