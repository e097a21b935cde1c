"""Put confident words where a reflection might begin (ConCISE, arXiv 2505.04881)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.stepwise.confidence_injection import ConfidenceInjection
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.stepwise import Stepwise
from probexit.hooks.models import IN_PACKAGE

PHRASES = (
    "I am confident in this step, so I move on. ",
    "This is right, so I go on with the next step. ",
    "I am sure of this result. ",
)


@dataclass(frozen=True)
class Concise(LiveRule):
    """Begin every step after the first with a confident phrase; close once a detector is sure.

    An adaptation: the paper makes training data in this way and then tunes the model on them, which
    halves its thinking; here the model stays frozen and nothing is tuned. The probing text, its
    words and the threshold of .5 are the paper's as remembered, the phrases ours: none is verified.
    The shipped reasoners know no such words: behind them their text falls apart, and the detector
    reads nothing. For them a second row puts in words of their own, and no detector. It shows that
    phrases do keep reflections away; whether this pays is the model's matter: where second thoughts
    find mistakes, answers are lost ("shipped"), where they are redundant, thinking is saved
    ("shipped-hesitant").

    Attributes:
        phrases: Begin the next step.
        probe: The detector's probing text.
        words: Its confident words.
        threshold: Close from this probability of the words on.
        own_phrases: The phrase in the shipped reasoners' words.
    """

    title: ClassVar[str] = "ConCISE injection"
    family: ClassVar[MethodFamily] = MethodFamily.INTERVENTION
    reads: ClassVar[str] = "confident words behind a probing text"
    cost: ClassVar[str] = "probing text at every step; phrases as thinking"
    source: ClassVar[str] = "2505.04881"
    summary: ClassVar[str] = "confident phrases where a reflection might begin"
    phrases: tuple[str, ...] = PHRASES
    probe: str = "So, I'm"
    words: tuple[str, ...] = ("confident", "sure", "certain")
    threshold: float = 0.5
    own_phrases: tuple[str, ...] = ("So the answer is",)

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        whole = ConfidenceInjection(self.phrases, self.probe, self.words, self.threshold)
        found: dict[str, Recipe] = {"": Stepwise(whole)}
        if bench.reasoner.name in IN_PACKAGE:
            silent = ConfidenceInjection(self.own_phrases, self.probe, self.words, float("inf"))
            found["in its own words"] = Stepwise(silent)
        return found
