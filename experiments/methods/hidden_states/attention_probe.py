"""Leave once an attention probe over the states so far says the answer is right (2603.05488)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.sequence import SequenceSignal
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import (
    at_cue,
    best_layers,
    recorded_layers,
    trained_in_order,
)
from probexit.probes.sequence.attention import AttentionProbe


@dataclass(frozen=True)
class AttentionProbePreset(ThresholdRule):
    """Exit when a head that attends to the cue states so far is sure enough.

    As published: one head at one layer, one query, states standardised by one mean and one spread.
    The paper reads every token and trains on the model's own final answer, or on rightness; here
    the states of the cues, and whether stopping there is right. It names no layer: here the one
    that tells most on its own. The threshold of its early exits could not be verified (.95).
    """

    title: ClassVar[str] = "attention probe"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states of all cues"
    training: ClassVar[str] = "attention head on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2603.05488"
    summary: ClassVar[str] = "exits once what it attends to in the thinking says so"

    def signal(self, context: Context) -> Signal:
        at = best_layers(context, 1, correct, at_cue)
        probe = trained_in_order(AttentionProbe(), context, correct, at_cue, at)
        return SequenceSignal(
            probe=probe, at=at, recorded=recorded_layers(context), column="hidden"
        )

    def points(self, context: Context) -> dict[str, float]:
        return {"0.95, unverified": 0.95}
