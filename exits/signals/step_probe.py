"""Read the mean state of the step that ends at the cue with a trained probe (arXiv 2505.18404)."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.hidden import HiddenSignal
from probexit.probes.base import Probe


@dataclass(frozen=True, kw_only=True)
class StepProbe(HiddenSignal):
    """The probe's score of the mean hidden state over the step's tokens; costs no token.

    A linear head's mean over the tokens is its value at their mean, so this is also a linear head
    that reads alongside every token.

    Attributes:
        probe: A fitted probe over the concatenated layers.
    """

    probe: Probe

    def scores(self, trace: Rollout) -> Tensor:
        return self.probe.score(self.read(trace.cues.step_hidden).flatten(1))
