"""What a session reads off one pass: the newest tokens, and the rows that stand at a cue."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokensRead:
    """What the newest tokens of a batch say, before or after they are run.

    Attributes:
        thinking: Places of the rows that think on, ascending.
        at: Places of those that stand at a cue.
        needs_states: Whether the states of this pass will be read.
    """

    thinking: Sequence[int]
    at: Sequence[int]
    needs_states: bool


@dataclass(frozen=True)
class Looked:
    """What a session saw in one pass.

    Attributes:
        at: Places of the rows that stand at a cue, ascending.
        scores: ``[n]`` their signal, where it was computed.
    """

    at: Sequence[int]
    scores: Tensor


NOTHING = Looked((), torch.empty(0))
