"""The contract of an exit policy: when to leave, given the scores so far."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ExitPolicy(ABC):
    """A pure function of the score history; no state, nothing to reset.

    The same policy therefore serves a recorded trace and a live batch. A larger threshold never
    makes the first exit earlier; ``inf`` never exits.

    Attributes:
        threshold: The number that calibration chooses.
    """

    threshold: float = 0.5

    @abstractmethod
    def should_exit(self, scores: Tensor) -> Tensor:
        """Decide for each row whether to leave at its newest cue.

        Args:
            scores: ``[b, t]`` history of scores, newest last; ``t`` cues seen in every row.

        Returns:
            ``[b]`` bool.
        """
