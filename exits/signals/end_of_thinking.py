"""How much the model itself wants to stop: the log-probability of its end-of-thinking token."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal


@dataclass(frozen=True)
class EndOfThinking(Signal):
    """log p(end of thinking) at the cue; the numerator of ThinkBrake's margin (arXiv 2510.00546).

    Attributes:
        end_id: The first token of the end-of-thinking tag.
    """

    traced: ClassVar[bool] = False
    end_id: int = 0

    def scores(self, trace: Rollout) -> Tensor:
        return trace.cues.end_logprob.float()

    def live(self, state: CueState) -> Tensor:
        return state.logits.float().log_softmax(-1)[:, self.end_id]
