"""How far the thinking has come, in tokens: with a threshold, the fixed token budget."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal


@dataclass(frozen=True)
class Position(Signal):
    """The number of thinking tokens up to and with the cue."""

    traced: ClassVar[bool] = False

    def scores(self, trace: Rollout) -> Tensor:
        return (trace.cues.positions + 1 - trace.begins).float()

    def live(self, state: CueState) -> Tensor:
        return torch.tensor(state.thinking, dtype=torch.float32)
