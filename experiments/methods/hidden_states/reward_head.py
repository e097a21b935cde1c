"""A linear reward head read alongside every token, after Otter (arXiv 2408.10764)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.step_probe import StepProbe
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import last_layer, of_step, recorded_layers, trained
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class RewardHead(ThresholdRule):
    """Exit when the mean reward of the step's tokens reaches the threshold.

    Otter inserts trained parameters into every layer, so that a reward comes out beside each token;
    here only the head is trained, on the last layer. It reads every token, not just the cue's: a
    linear head's mean over the tokens of a step is its value at their mean state, which is what was
    recorded. It is trained on these means, not on single tokens, and decisions are taken at cues.
    """

    title: ClassVar[str] = "reward head"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states of all tokens"
    training: ClassVar[str] = "linear head on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2408.10764"
    summary: ClassVar[str] = "exits once the step's tokens earn enough reward"

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained(Logistic(), context, correct, of_step, at)
        return StepProbe(probe=probe, at=at, recorded=recorded_layers(context))
