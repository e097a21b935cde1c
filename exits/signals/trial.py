"""What signals that look at a trial answer share: the answer must be decoded at every cue."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal, Trial


@dataclass(frozen=True)
class TrialSignal(Signal):
    """A signal read off the forced answer at the cue.

    Replay takes the recorded forced answers; live, the engine decodes them on a fork of its cache.
    Each costs the tokens that close the thinking and the tokens of the answer, whether or not the
    rule then exits.

    Attributes:
        closing: Tokens that close the thinking and start the answer.
        answer_needed: False for a signal that reads only what the model would say next after the
            closing text; no token of the answer is decoded then.
    """

    closing: int = 0
    answer_needed: ClassVar[bool] = True

    @property
    def trial(self) -> Trial:
        return Trial.ANSWER if self.answer_needed else Trial.CLOSING

    def trials(self, trace: Rollout) -> Tensor:
        return torch.ones(len(trace.cues), dtype=torch.bool)

    def cost(self, trace: Rollout) -> Tensor:
        answer = trace.cues.answer_tokens if self.answer_needed else 0
        return (answer + self.closing) * self.trials(trace)
