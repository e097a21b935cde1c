"""Think without reflection words (NoWait, arXiv 2506.08343)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.interventions import no_wait
from probexit.experiments.fresh.bench import Bench
from probexit.experiments.fresh.recipe import Recipe
from probexit.experiments.fresh.treatment import Treatment
from probexit.experiments.methods.base import Family
from probexit.experiments.methods.context import Context
from probexit.experiments.methods.live_rule import LiveRule


@dataclass(frozen=True)
class NoWait(LiveRule):
    """Never write "wait", "hmm", "but" and the other words of the paper's list while thinking.

    The list is the paper's. There a token is suppressed that contains a word, after false hits were
    sorted out by hand; here one that completes it as a whole word, in any tokenizer.
    """

    title: ClassVar[str] = "NoWait"
    family: ClassVar[Family] = Family.INTERVENTION
    reads: ClassVar[str] = "nothing"
    source: ClassVar[str] = "2506.08343"
    summary: ClassVar[str] = "keeps the model from writing reflection words"

    def recipes(self, context: Context, bench: Bench) -> dict[str, Recipe]:
        return {"": Treatment(interventions=(no_wait.NoWait(),))}
