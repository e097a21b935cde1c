"""ORCA (arXiv 2604.01170): a probe that goes on learning while it reads."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.signals.base import Signal
from probexit.exits.signals.sequence import SequenceSignal
from probexit.experiments.fitting.targets import reached
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import (
    last_layer,
    of_step,
    recorded_layers,
    trained_in_order,
)
from probexit.probes.sequence.adapting import Adapting


@dataclass(frozen=True)
class Orca(ThresholdRule):
    """Exit when a probe with test-time updates says so, averaged over the last ten steps.

    As published: mean last-layer states of steps, standardised; cumulative labels from gold; the
    start of the updates meta-learned; the adaptive procedure itself is certified. Unlike it, this
    is the form without query and key maps, a step ends at this run's cues, and the threshold is
    certified for this table's loss, which does not forgive a right answer that later flips.

    Attributes:
        window: Scores averaged.
    """

    title: ClassVar[str] = "ORCA"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states of all steps"
    training: ClassVar[str] = "probe with test-time updates on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2604.01170"
    summary: ClassVar[str] = "exits once a probe that learns from going on says so"
    window: int = 10

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained_in_order(Adapting(), context, reached, of_step, at)
        return SequenceSignal(probe=probe, at=at, recorded=recorded_layers(context))

    def policy(self, context: Context) -> ExitPolicy:
        return Smoothed(window=self.window)
