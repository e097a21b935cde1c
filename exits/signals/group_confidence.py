"""How sure the model was of its last tokens (group confidence of DeepConf, arXiv 2508.15260)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.signals.spans import means


@dataclass(frozen=True)
class GroupConfidence(Signal):
    """Mean token confidence over the last ``window`` thinking tokens (fewer at the start), nats.

    A token's confidence is the mean negative log-probability of the 20 likeliest tokens: the more
    the first one leads, the larger (equations 2 and 3 of the paper).

    Attributes:
        window: Tokens averaged; 2,048 in the paper.
    """

    per_token: ClassVar[bool] = True
    window: int = 2048

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window={self.window}: average at least 1 token")

    def scores(self, trace: Rollout) -> Tensor:
        last = trace.cues.positions
        return means(trace.confidences, (last + 1 - self.window).clamp(min=trace.begins), last)
