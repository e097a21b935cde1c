"""The model left alone once more: what every rule that generates anew is to be read beside."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.fresh.bench import Bench
from probexit.experiments.fresh.recipe import Recipe
from probexit.experiments.fresh.treatment import Treatment
from probexit.experiments.methods.base import Family
from probexit.experiments.methods.context import Context
from probexit.experiments.methods.live_rule import LiveRule


@dataclass(frozen=True)
class FullRunAgain(LiveRule):
    """Generate with nothing done to the model.

    At a temperature above 0 this loses answers that the recorded run had, and finds others: as much
    of a live rule's loss is chance. Greedily it repeats the recording.
    """

    title: ClassVar[str] = "full run again"
    family: ClassVar[Family] = Family.REFERENCE
    reads: ClassVar[str] = "nothing"
    summary: ClassVar[str] = "never exits; another sample, the reference of live rules"

    def recipes(self, context: Context, bench: Bench) -> dict[str, Recipe]:
        return {"": Treatment()}
