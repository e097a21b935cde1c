"""Learn-to-Stop (arXiv 2506.02536, method 3): an LSTM that says when the answer has converged."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.sequence import SequenceSignal
from probexit.experiments.fitting.targets import converged
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.training import (
    last_layer,
    of_step,
    recorded_layers,
    trained_in_order,
)
from probexit.probes.sequence.lstm import LSTM


@dataclass(frozen=True)
class LearnToStop(ThresholdRule):
    """Exit when an LSTM over the steps' states says that the forced answer will not change again.

    Its labels are the model's own: no gold is needed. Unlike the paper, a step ends at a cue, not
    at a sentence, its state is the mean over its tokens, and the LSTM is trained for 20 epochs,
    one cycle of the published schedule, instead of 200. The published thresholds were tuned per
    task: .5 for NQ and GPQA, .99 for GSM8K and MATH.

    Attributes:
        published: Both thresholds.
    """

    title: ClassVar[str] = "Learn-to-Stop"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states of all steps"
    training: ClassVar[str] = "LSTM on forced exits, no gold"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none at .5 and .99"
    source: ClassVar[str] = "2506.02536"
    summary: ClassVar[str] = "exits once the answer is said to have converged"
    published: tuple[float, ...] = (0.5, 0.99)

    def signal(self, context: Context) -> Signal:
        at = last_layer(context)
        probe = trained_in_order(LSTM(), context, converged, of_step, at)
        return SequenceSignal(probe=probe, at=at, recorded=recorded_layers(context))

    def points(self, context: Context) -> dict[str, float]:
        return {f"published {threshold:g}": threshold for threshold in self.published}
