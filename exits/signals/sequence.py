"""Read the states of the thinking in order with a sequence probe (arXiv 2506.02536 and kin)."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.hidden import HiddenSignal
from probexit.probes.sequence.base import SequenceProbe


@dataclass(frozen=True, kw_only=True)
class SequenceSignal(HiddenSignal):
    """A sequence probe's score at each cue, from this and all earlier states; costs no token.

    Attributes:
        probe: A fitted sequence probe over the concatenated layers.
        column: What it reads: the cue token's state, or the mean state of the step.
    """

    probe: SequenceProbe
    column: Literal["hidden", "step_hidden"] = "step_hidden"

    def scores(self, trace: Rollout) -> Tensor:
        states: Tensor = getattr(trace.cues, self.column)
        return self.probe.score(self.read(states).flatten(1))
