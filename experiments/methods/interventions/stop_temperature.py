"""Give the end of the thinking a temperature of its own (the "TS" of arXiv 2505.07961)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.interventions import stop_temperature
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class StopTemperaturePreset(LiveRule):
    """Divide the closing tag's log-probability by a temperature, which can only raise it.

    The paper's factor could not be verified: the form and the values are ours. A token that the
    model all but excludes is raised most, so the effect is large even for small temperatures.

    Attributes:
        temperatures: Temperatures of the stop token; 1 changes nothing.
    """

    title: ClassVar[str] = "stop-token temperature"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "logits"
    source: ClassVar[str] = "2505.07961"
    summary: ClassVar[str] = "rescales the logit that ends the thinking"
    temperatures: tuple[float, ...] = (1.25, 2.0)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {
            f"T {t:g}": InterventionRun(interventions=(stop_temperature.StopTemperature(t - 1),))
            for t in self.temperatures
        }
