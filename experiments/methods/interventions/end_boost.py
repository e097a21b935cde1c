"""Raise the end of the thinking at every step (arXiv 2506.02536, method 2)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.interventions import end_boost
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class EndBoostPreset(LiveRule):
    """Add ``alpha (max - mean)`` of the logits to that of the closing tag, until it is written.

    As published; tool calls are left alone.

    Attributes:
        strengths: alpha: the lowest that the paper's ablation recommends, and that of its main
            table.
    """

    title: ClassVar[str] = "end-of-thinking boost"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "logits"
    source: ClassVar[str] = "2506.02536"
    summary: ClassVar[str] = "raises the end of thinking at every step"
    strengths: tuple[float, ...] = (0.2, 0.6)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {
            f"alpha {strength:g}": InterventionRun(interventions=(end_boost.EndBoost(strength),))
            for strength in self.strengths
        }
