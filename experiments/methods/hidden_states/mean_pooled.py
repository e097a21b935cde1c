"""Leave once a linear probe on the mean state of the thinking so far says the answer is right."""

from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.mean_pooled import MeanPooled
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import (
    best_layers,
    of_step,
    recorded_layers,
    trained,
)
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class MeanPooledPreset(ThresholdRule):
    """Exit when a logistic regression on the mean state of all thinking tokens so far is sure.

    The baseline of attention probes (arXiv 2603.05488), at the layer whose mean states of steps
    tell most on their own.
    """

    title: ClassVar[str] = "mean-pooled probe"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "mean hidden state"
    training: ClassVar[str] = "probe on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2603.05488"
    summary: ClassVar[str] = "exits once the mean state so far says the answer would be right"

    def signal(self, context: Context) -> Signal:
        at, recorded = best_layers(context, 1, correct, of_step), recorded_layers(context)
        signal = MeanPooled(probe=Logistic(), at=recorded, recorded=recorded)
        probe = trained(Logistic(), context, correct, signal.pooled, at)
        return replace(signal, probe=probe, at=at)
