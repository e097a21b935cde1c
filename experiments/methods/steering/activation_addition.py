"""Activation addition: one pair of prompts, its difference added to the front of the prompt."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.hooks.activation_addition import prompt_difference
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class ActivationAddition(LiveRule):
    """Add ``c (h+ - h-)`` of one pair of prompts to the first positions of the prefill.

    As published: position by position, at one layer, in the prefill alone, the shorter prompt
    filled up with spaces; nothing is trained. The paper steers sentiment and topic with pairs such
    as "Love" and "Hate"; here the pair leads from checking again to answering, and the first
    positions of a prompt are those of its chat template.

    Attributes:
        towards: The prompt whose states are added.
        away: The prompt whose states are taken away.
        coefficients: The factor c; the paper's are 4 to 15.
        depth: Which layer, as a share of the depth; the paper's layer 6 of 48 and 20 of 48.
    """

    title: ClassVar[str] = "ActAdd"
    family: ClassVar[MethodFamily] = MethodFamily.STEERING
    reads: ClassVar[str] = "a pair of prompts, and changes hidden states"
    source: ClassVar[str] = "2308.10248"
    summary: ClassVar[str] = "adds the difference of two prompts to the prompt's first states"
    towards: str = "The answer is"
    away: str = "Wait, let me check"
    coefficients: tuple[float, ...] = (1.0, 5.0)
    depth: float = 0.2

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        reasoner = bench.reasoner
        layer = max(1, round(self.depth * n_layers(reasoner.model))) - 1
        pair = tuple(reasoner.tokenizer(text)["input_ids"] for text in (self.towards, self.away))
        added = prompt_difference(reasoner.model, layer, (pair[0], pair[1]), _space(reasoner))
        return {f"c = {c:g}": InterventionRun(front={layer: c * added}) for c in self.coefficients}


def _space(reasoner: Reasoner) -> int:
    ids = reasoner.tokenizer.encode(" ", add_special_tokens=False)
    if len(ids) != 1:
        raise Unavailable(f"a space is {len(ids)} tokens of this tokenizer, so it cannot pad")
    return int(ids[0])
