"""The contract of a signal: one score per cue, and what it cost to obtain."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout


@dataclass(frozen=True)
class CueState:
    """What an engine shows a signal when ``b`` rows stand at a cue at the same step.

    Attributes:
        hidden: ``[b, L, d]`` hidden states of the cue token at ``layers``.
        logits: ``[b, V]`` next-token logits.
        thinking: ``b`` counts of thinking tokens so far, with this one.
        history: Makes ``traces``; called only if a signal asks.
    """

    hidden: Tensor
    logits: Tensor
    thinking: Sequence[int]
    history: Callable[[], Sequence[Rollout]] = tuple

    @cached_property
    def traces(self) -> Sequence[Rollout]:
        """Each of the ``b`` rows as a trace that ends here, this cue its last.

        It holds what a recording would, but for what is not known yet: grades are False, the
        answer is empty. ``hidden`` and ``step_hidden`` hold the signal's layers, in their order.
        The columns per token are filled for a signal that reads them (``per_token``), and those of
        the forced answers for one that makes trials.
        """
        return self.history()


class Trial(Enum):
    """What must be decoded at a cue before a signal can be read."""

    NONE = "nothing"
    CLOSING = "the closing text"
    ANSWER = "the closing text and an answer"


@dataclass(frozen=True)
class Signal(ABC):
    """Something measured at a cue; larger = likelier right to stop.

    ``scores`` (recorded traces) and ``live`` (inside generation) compute the same number. A score
    depends on nothing that comes after its cue, so by default the live score is that of the trace
    so far.

    Attributes:
        traced: Whether it is read live off the trace so far, so that engines must keep one; False
            where ``live`` reads nothing but the moment.
        per_token: Whether it reads the columns that a trace holds for every token.
    """

    traced: ClassVar[bool] = True
    per_token: ClassVar[bool] = False

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers whose hidden states ``live`` reads; none by default."""
        return ()

    @property
    def trial(self) -> Trial:
        """What an engine must decode on a fork of the cache before it asks for the score."""
        return Trial.NONE

    def trials(self, trace: Rollout) -> Tensor:
        """Tell at which cues of a trace that is decoded, ``[c]`` bool; nowhere by default."""
        return torch.zeros(len(trace.cues), dtype=torch.bool)

    @abstractmethod
    def scores(self, trace: Rollout) -> Tensor:
        """Return the score at each cue, ``[c]`` float32."""

    def live(self, state: CueState) -> Tensor:
        """Return the score of each row at its cue, ``[b]`` float32."""
        return torch.stack([self.scores(trace)[-1] for trace in state.traces])

    def cost(self, trace: Rollout) -> Tensor:
        """Return the extra tokens decoded to obtain each score, ``[c]``; 0 unless overridden."""
        return torch.zeros(len(trace.cues), dtype=torch.long)
