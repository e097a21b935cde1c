"""TERMINATOR (arXiv 2603.12529): has the model's own final answer arrived? A majority decides."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.majority import Majority
from probexit.exits.signals.base import Signal
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.fitting.targets import arrived
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import at_cue, last_layer, recorded_layers, trained
from probexit.probes.mlp import MLP


@dataclass(frozen=True)
class Terminator(ThresholdRule):
    """Exit when most of the last ten predictions say that the final answer has arrived.

    Its label is kept: 1 from the first arrival of the model's own final answer on, here seen in
    the forced answers instead of read by a judge. Its probe, a copy of the model's last block
    trained on every token, is replaced by the class-weighted MLP of LYNX on the last layer, and
    the ten votes are those of the last ten cues, fewer at the start, instead of tokens.

    Attributes:
        window: Predictions that vote.
        published: What a prediction must reach to vote for leaving.
    """

    title: ClassVar[str] = "TERMINATOR"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "last hidden state"
    training: ClassVar[str] = "MLP on forced exits, no gold"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at .7"
    source: ClassVar[str] = "2603.12529"
    summary: ClassVar[str] = "exits once most predictions say the final answer is there"
    window: int = 10
    published: float = 0.7

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained(MLP(), context, arrived, at_cue, at)
        return ProbeSignal(probe=probe, at=at, recorded=recorded_layers(context))

    def policy(self, context: Context) -> ExitPolicy:
        return Majority(window=self.window)

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {self.published:g}": self.published}
