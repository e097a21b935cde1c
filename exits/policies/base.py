"""The contract of an exit policy: when to leave, given the scores so far."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor


@dataclass(frozen=True)
class ExitPolicy(ABC):
    """A pure function of the score history; no state, nothing to reset.

    The same policy therefore serves a recorded trace and a live batch. It states its
    ``crossing_threshold``, the largest threshold at which it would leave; so a larger threshold
    never makes the first exit earlier, ``inf`` never exits, and a whole grid of thresholds is
    replayed at once.

    Attributes:
        threshold: The number that calibration chooses.
    """

    threshold: float = 0.5

    @abstractmethod
    def crossing_threshold(self, scores: Tensor) -> Tensor:
        """Return, for each row, the largest threshold at which it leaves at its newest cue.

        It does not depend on ``threshold``. Where no threshold leaves it is ``-inf``.

        Args:
            scores: ``[b, t]`` history of scores, newest last; ``t`` cues seen in every row.

        Returns:
            ``[b]``, in the precision of the scores.
        """

    def should_exit(self, scores: Tensor) -> Tensor:
        """Decide for each row whether to leave at its newest cue.

        Args:
            scores: ``[b, t]`` history of scores, newest last; ``t`` cues seen in every row.

        Returns:
            ``[b]`` bool: whether the crossing threshold is at least the threshold.
        """
        crossing = self.crossing_threshold(scores)
        if self.threshold == inf:
            return torch.zeros_like(crossing, dtype=torch.bool)
        # One comparison, as this runs at every cue: no crossing threshold lies between.
        return crossing >= max(self.threshold, torch.finfo(crossing.dtype).min)
