"""The contract of a signal: one score per cue, and what it cost to obtain."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.trace import Trace


@dataclass(frozen=True)
class Moment:
    """What an engine shows a signal when ``b`` rows stand at a cue at the same step.

    Attributes:
        hidden: ``[b, L, d]`` hidden states of the cue token at ``layers``.
        logits: ``[b, V]`` next-token logits.
        cues_seen: ``[b]`` cues of this row's thinking so far, with this one.
        thinking: ``[b]`` thinking tokens so far, with this one.
    """

    hidden: Tensor
    logits: Tensor
    cues_seen: Tensor
    thinking: Tensor


@dataclass(frozen=True)
class Signal(ABC):
    """Something measured at a cue; larger = likelier right to stop.

    ``scores`` (recorded traces) and ``live`` (inside generation) compute the same number.
    """

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers whose hidden states ``live`` reads; none by default."""
        return ()

    @abstractmethod
    def scores(self, trace: Trace) -> Tensor:
        """Return the score at each cue, ``[c]`` float32."""

    @abstractmethod
    def live(self, moment: Moment) -> Tensor:
        """Return the score of each row at its cue, ``[b]`` float32."""

    def cost(self, trace: Trace) -> Tensor:
        """Return the extra tokens decoded to obtain each score, ``[c]``; 0 unless overridden."""
        return torch.zeros(len(trace.cues), dtype=torch.long)
