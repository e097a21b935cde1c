"""Think without reflection words (NoWait, arXiv 2506.08343)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.interventions import no_wait
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@dataclass(frozen=True)
class NoWaitPreset(LiveRule):
    """Never write "wait", "hmm", "but" and the other words of the paper's list while thinking.

    The list is the paper's. There a token is suppressed that contains a word, after false hits were
    sorted out by hand; here one that completes it as a whole word, in any tokenizer.
    """

    title: ClassVar[str] = "NoWait"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "nothing"
    source: ClassVar[str] = "2506.08343"
    summary: ClassVar[str] = "keeps the model from writing reflection words"

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        return {"": InterventionRun(interventions=(no_wait.NoWait(),))}
