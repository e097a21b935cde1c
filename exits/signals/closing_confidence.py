"""How sure the model is of what comes right behind the closing text."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class ClosingConfidence(TrialSignal):
    """exp(-entropy) of the distribution right behind the closing text, in (0, 1].

    It is 1 where the model is sure, 1/k where it wavers between k tokens, and never above the
    probability of the likeliest one. Nothing of the answer is decoded.
    """

    answer_needed: ClassVar[bool] = False

    def scores(self, trace: Rollout) -> Tensor:
        # the sum over one column is that column, and is empty where there are no cues
        return trace.cues.answer_entropies[:, :1].float().sum(1).neg().exp()
