"""Our rule: the probe on hidden states, with a threshold certified by Learn-then-Test."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.signals.base import Signal
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class ProbePreset(ThresholdRule):
    """Exit at the first cue whose hidden states the probe calls right; shown at several risks."""

    title: ClassVar[str] = "probe (ours)"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "probe on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha with confidence 1 - delta, per problem"
    source: ClassVar[str] = "2110.01052"
    summary: ClassVar[str] = "exits once the hidden states say the answer would be right"

    def signal(self, context: Context) -> Signal:
        return context.probe

    def grid(self, context: Context, signal: Signal) -> Tensor:
        return context.grid

    def levels(self, context: Context) -> tuple[float, ...]:
        return tuple(sorted({context.alpha, *context.alphas}))
