"""Leave once a line in the hidden state says the thinking is nearly done (arXiv 2506.07240)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.sequence import SequenceSignal
from probexit.experiments.fitting.targets import progress
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import (
    at_cue,
    last_layer,
    recorded_layers,
    trained_in_order,
)
from probexit.probes.sequence.ridge import Ridge


@dataclass(frozen=True)
class ThinkingProgress(ThresholdRule):
    """Exit when the predicted share of the thinking that is done reaches the threshold.

    The paper regresses relative position on the last layer's state to show and to steer progress;
    to exit at it is our use. Trained and read at cues, with a ridge and an intercept, where the
    paper takes every thinking token.
    """

    title: ClassVar[str] = "thinking progress"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "last hidden state"
    training: ClassVar[str] = "ridge on relative positions, no answers"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2506.07240"
    summary: ClassVar[str] = "exits once the thinking looks nearly done"

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained_in_order(Ridge(), context, progress, at_cue, at)
        return SequenceSignal(
            probe=probe, at=at, recorded=recorded_layers(context), column="hidden"
        )
