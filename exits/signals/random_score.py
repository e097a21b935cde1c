"""A number that knows nothing: the floor under every signal."""

from dataclasses import dataclass
from typing import ClassVar
from zlib import crc32

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal


@dataclass(frozen=True)
class RandomScore(Signal):
    """An independent uniform number in [0, 1) at each cue.

    A recorded trace gets the same numbers every time. A live run draws new ones from torch's
    generator, so live and replay agree in distribution only: a coin has no reason to fall twice
    the same way.

    Attributes:
        seed: Another seed, other numbers.
    """

    traced: ClassVar[bool] = False
    seed: int = 0

    def scores(self, trace: Rollout) -> Tensor:
        name = f"{self.seed}/{trace.rollout}/{trace.problem}"
        generator = torch.Generator().manual_seed(crc32(name.encode()))
        return torch.rand(len(trace.cues), generator=generator)

    def live(self, state: CueState) -> Tensor:
        return torch.rand(len(state.thinking))
