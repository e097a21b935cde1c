"""Raise the end of the thinking at every step (arXiv 2506.02536, method 2)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.interventions import end_boost
from probexit.experiments.methods.core.base import Family
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import Treatment
from probexit.experiments.methods.online.live_evaluator import Bench


@dataclass(frozen=True)
class EndBoost(LiveRule):
    """Add ``alpha (max - mean)`` of the logits to that of the closing tag, until it is written.

    As published; tool calls are left alone.

    Attributes:
        strengths: alpha: the lowest that the paper's ablation recommends, and that of its main
            table.
    """

    title: ClassVar[str] = "end-of-thinking boost"
    family: ClassVar[Family] = Family.INTERVENTION
    reads: ClassVar[str] = "logits"
    source: ClassVar[str] = "2506.02536"
    summary: ClassVar[str] = "raises the end of thinking at every step"
    strengths: tuple[float, ...] = (0.2, 0.6)

    def recipes(self, context: Context, bench: Bench) -> dict[str, Recipe]:
        return {
            f"alpha {strength:g}": Treatment(interventions=(end_boost.EndBoost(strength),))
            for strength in self.strengths
        }
