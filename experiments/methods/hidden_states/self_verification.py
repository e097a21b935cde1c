"""The self-verification probe of Zhang et al. (arXiv 2504.05419) as an exit rule."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import at_cue, last_layer, recorded_layers, trained
from probexit.probes.mlp import MLP


@dataclass(frozen=True)
class SelfVerificationPreset(ThresholdRule):
    """Exit at the first chunk whose answer a small probe of the last layer verifies.

    The network and loss chosen in the paper for R1-Distill-Qwen-1.5B on MATH (Table 8): 16 hidden
    units, right answers weighed ``alpha n_0 / n_1`` with alpha = 2, Adam at 1e-3, weight decay .01.
    Unlike it: chunks end at this run's cues (the paper's own are the cue set ``self-verification``;
    a chunk without an answer is not merged into the next), the answer is the forced one, and the
    paper's search over 480 settings is left out. Its threshold of .85 is from memory, not verified.

    Attributes:
        hidden: Units of the hidden layer; 0 for the linear probe.
        alpha: Weight of right answers relative to a balanced one.
        published: The threshold.
    """

    title: ClassVar[str] = "self-verification"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "last hidden state"
    training: ClassVar[str] = "MLP on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at .85"
    source: ClassVar[str] = "2504.05419"
    summary: ClassVar[str] = "exits at the first answer that a probe verifies"
    hidden: int = 16
    alpha: float = 2.0
    published: float = 0.85

    def signal(self, context: Context) -> Signal:
        at, batch = last_layer(context), 64
        units = (self.hidden,) if self.hidden else ()
        network = MLP(units, batch=batch, l2=0.01 * batch, epochs=200, alpha=self.alpha)
        probe = trained(network, context, correct, at_cue, at)
        return ProbeSignal(probe=probe, at=at, recorded=recorded_layers(context))

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {self.published:g}": self.published}
