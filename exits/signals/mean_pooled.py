"""A probe on the mean state of the thinking so far: the baseline of sequence probes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.hidden import HiddenSignal
from probexit.probes.base import Probe


@dataclass(frozen=True, kw_only=True)
class MeanPooled(HiddenSignal):
    """A probe's score of the mean hidden state of all thinking tokens up to each cue; no token.

    The steps' means, weighted by their lengths: up to the rounding of the store, the mean over
    tokens itself.

    Attributes:
        probe: A fitted probe over the concatenated layers.
    """

    probe: Probe

    def scores(self, trace: Rollout) -> Tensor:
        return self.probe.score(self.pooled(trace).flatten(1))

    def pooled(self, trace: Rollout) -> Tensor:
        """Return the mean states so far, ``[c, layers, d]`` float32."""
        spent = trace.cues.positions + 1 - trace.begins
        lengths = torch.diff(spent, prepend=spent.new_zeros(1))[:, None, None]
        states = self.read(trace.cues.step_hidden).float()
        return (states * lengths).cumsum(0) / spent[:, None, None]
