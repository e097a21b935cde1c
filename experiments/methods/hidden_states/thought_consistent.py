"""Thought Calibration with the model's own labels (arXiv 2505.18404, "consistent")."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.step_probe import StepProbe
from probexit.experiments.fitting.targets import arrived
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.training import last_layer, of_step, recorded_layers, trained
from probexit.experiments.methods.hidden_states.thought import Thought
from probexit.probes.principal import Principal


@dataclass(frozen=True)
class ThoughtConsistent(Thought):
    """Exit when the steps' mean states say that the full run's answer was reached.

    As ``thought_supervised``, with "equals the full run's answer" in place of "is right": no gold
    is needed, and every problem is trained on.
    """

    title: ClassVar[str] = "thought: consistent"
    training: ClassVar[str] = "PCA, logistic on forced exits, no gold"
    summary: ClassVar[str] = "exits once the steps look as after the final answer"

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained(Principal(), context, arrived, of_step, at)
        return StepProbe(probe=probe, at=at, recorded=recorded_layers(context))
