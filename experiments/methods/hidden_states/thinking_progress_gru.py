"""Leave once a GRU over the hidden states says that the thinking is nearly done (2506.07240)."""

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
from probexit.probes.sequence.gru import GRU


@dataclass(frozen=True)
class ThinkingProgressGRU(ThresholdRule):
    """Exit when the predicted share of the thinking that is done reaches the threshold.

    As ``thinking_progress``, read with one GRU layer, which the paper finds to transfer better. Its
    settings are not known: 128 units, log-loss on the shares, 20 epochs.
    """

    title: ClassVar[str] = "thinking progress (GRU)"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states of all cues"
    training: ClassVar[str] = "GRU on relative positions, no answers"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2506.07240"
    summary: ClassVar[str] = "exits once the thinking so far looks nearly done"

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained_in_order(GRU(), context, progress, at_cue, at)
        return SequenceSignal(
            probe=probe, at=at, recorded=recorded_layers(context), column="hidden"
        )
