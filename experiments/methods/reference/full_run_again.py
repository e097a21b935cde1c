"""The model left alone once more: what every rule that generates anew is to be read beside."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class FullRunAgain(LiveRule):
    """Generate with nothing done to the model.

    At a temperature above 0 this loses answers that the recorded run had, and finds others: as much
    of a live rule's loss is chance. Greedily it repeats the recording.
    """

    title: ClassVar[str] = "full run again"
    family: ClassVar[MethodFamily] = MethodFamily.REFERENCE
    certifies: ClassVar[bool] = False
    guarantee: ClassVar[str] = "none"
    reads: ClassVar[str] = "nothing"
    summary: ClassVar[str] = "never exits; another sample, the reference of live rules"

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {"": InterventionRun()}
