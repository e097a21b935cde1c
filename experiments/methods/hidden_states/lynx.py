"""LYNX (arXiv 2512.05325): three layers, an MLP, and a conformal threshold per cue."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.per_cue_conformal import PerCueRule
from probexit.experiments.methods.core.training import at_cue, recorded_layers, trained
from probexit.probes.mlp import MLP


@dataclass(frozen=True)
class Lynx(PerCueRule):
    """Exit at the first cue whose class-conditional conformal set is {safe}.

    The full recipe of the released code: an early, a middle and the last layer, concatenated; its
    network and loss; labels from graded forced exits; quantiles over pooled cues. Its confidence
    is read as a user would: once as our delta, once as our alpha. Unlike it, early stopping holds
    out problems, not cues, and of the recorded layers the nearest to its own are taken.

    Attributes:
        depths: Depths of the layers, as shares of the last one: 9, 16 and 28 of 28 in the paper.
    """

    title: ClassVar[str] = "LYNX"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "MLP on graded forced exits"
    source: ClassVar[str] = "2512.05325"
    summary: ClassVar[str] = "exits at the first cue that conformal prediction calls safe"
    depths: tuple[float, ...] = (9 / 28, 16 / 28, 1.0)

    def signal(self, context: Context) -> Signal:
        recorded = recorded_layers(context)
        at = tuple(sorted({_nearest(depth, recorded) for depth in self.depths}))
        probe = trained(MLP(), context, correct, at_cue, at)
        return ProbeSignal(probe=probe, at=at, recorded=recorded)

    def deltas(self, context: Context) -> tuple[float, ...]:
        return tuple(sorted({context.delta, context.alpha}, reverse=True))


def _nearest(depth: float, layers: tuple[int, ...]) -> int:
    return min(layers, key=lambda layer: abs(layer - depth * max(layers)))
