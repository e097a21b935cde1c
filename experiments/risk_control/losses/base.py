"""The contract of a loss: what leaving at each cue of a trace would lose."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from probexit.calibration.base import Array
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace


@dataclass(frozen=True)
class GivenAnswer:
    """An answer to a recorded problem that was not given at one of the trace's cues.

    Attributes:
        text: The answer.
        correct: Whether it is right.
        agrees: Whether it is the full run's answer.
    """

    text: str
    correct: bool
    agrees: bool


@dataclass(frozen=True)
class Loss(ABC):
    """A number in [0, 1] for every place a trace can be left at; a full run loses nothing."""

    @abstractmethod
    def at_cues(self, trace: Trace) -> Tensor:
        """Return the loss of leaving at each cue, ``[c]`` in [0, 1]."""

    @abstractmethod
    def at_answer(self, trace: Trace, answer: GivenAnswer) -> float:
        """Return the loss of an answer that was given without the thinking that the trace holds.

        Args:
            trace: The full run on the same problem.
            answer: What was answered instead.

        Returns:
            A number in [0, 1]; NaN if the loss says nothing about it.
        """

    def at_end(self, trace: Trace) -> float:
        """Return the loss of the full run; 0 unless the loss is about the answer alone."""
        return 0.0

    def table(self, traces: Sequence[Trace], exits: Tensor) -> Array:
        """Look the losses up for a table of exits.

        Args:
            traces: ``n`` traces.
            exits: ``[n, m]`` cue index, or ``NO_EXIT``, as ``exits.replay.exit_table`` gives.

        Returns:
            ``[n, m]`` float64.
        """
        table = np.zeros(tuple(exits.shape))
        for i, trace in enumerate(traces):
            end = torch.tensor([self.at_end(trace)])
            losses = torch.cat([self.at_cues(trace).double(), end.double()])
            places = torch.where(exits[i] == NO_EXIT, len(trace.cues), exits[i])
            table[i] = losses[places].numpy()
        return table
