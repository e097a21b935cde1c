"""How close the model is to ending its thinking by itself (ThinkBrake, arXiv 2510.00546)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal


@dataclass(frozen=True)
class EndMargin(Signal):
    """Log p(end of thinking) minus log p(likeliest other token); positive where the end leads."""

    def scores(self, trace: Rollout) -> Tensor:
        top, end = trace.cues.top_logprobs.float(), trace.cues.end_logprob.float()
        if top.shape[-1] < 2:
            raise ValueError(
                "the margin needs the two likeliest tokens at a cue, as the end of thinking may be "
                f"one of them; the trace holds {top.shape[-1]}: record again"
            )
        # The end of thinking is itself the first of the list wherever nothing is likelier.
        other = torch.where(end >= top[:, 0], top[:, 1], top[:, 0])
        return end - other
