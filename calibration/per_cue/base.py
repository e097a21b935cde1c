"""The contract of a calibrator per cue: from pooled, graded cues to a rule for each cue.

Published methods calibrate this way. The unit is the cue, so nothing follows for the *problem*,
which meets many cues and leaves at the first that passes; a `Calibrator` promises for problems.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, Bools, require_level


@dataclass(frozen=True)
class CueRule:
    """Exit at the first cue whose conformal set is exactly {safe}.

    Attributes:
        q_pos: Conformal quantile of ``1 - p`` over the safe cues.
        q_neg: Conformal quantile of ``p`` over the unsafe cues.
    """

    q_pos: float
    q_neg: float

    @property
    def tau(self) -> float:
        """The published threshold ``max(1 - q_pos, q_neg)``; a score at ``q_neg`` does not exit."""
        return max(1 - self.q_pos, self.q_neg)

    @property
    def threshold(self) -> float:
        """The number for which ``score >= threshold`` is :meth:`exits`, in double precision."""
        over = float(np.nextafter(self.q_neg, np.inf))
        return max(1 - self.q_pos, over)

    def exits(self, scores: ArrayLike) -> Bools:
        """Return where the set is {safe}: ``scores [...]`` (probability of safe) -> ``[...]``."""
        p = np.asarray(scores, dtype=np.float64)
        return np.asarray((p >= 1 - self.q_pos) & (p > self.q_neg), dtype=np.bool_)


@dataclass(frozen=True)
class CueCalibrator(ABC):
    """Fits a rule on pooled cues, which it takes to be exchangeable.

    Attributes:
        promise: What holds per cue and what does not follow, in words; fields of the calibrator
            may stand in braces.
        delta: Share of cues for which the promise may fail.
    """

    promise: ClassVar[str]
    delta: float = 0.1

    def __post_init__(self) -> None:
        require_level(delta=self.delta)

    def calibrate(self, scores: ArrayLike, safe: ArrayLike) -> CueRule:
        """Fit the rule.

        Args:
            scores: ``[cues]`` probability that stopping at the cue is right.
            safe: ``[cues]`` whether it was.

        Raises:
            ValueError: on a shape mismatch, scores outside [0, 1], or too few cues for the level.
        """
        return self._fitted(*checked_cues(scores, safe))

    @abstractmethod
    def _fitted(self, p: Array, safe: Bools) -> CueRule:
        """Fit the rule on checked scores ``p [cues]`` and ``safe [cues]``."""


def checked_cues(scores: ArrayLike, safe: ArrayLike) -> tuple[Array, Bools]:
    """Return ``scores [cues]`` as float64 and ``safe [cues]`` as bool after checking them.

    Raises:
        ValueError: on scores that are no probabilities, or not one per cue.
    """
    p, right = np.asarray(scores, dtype=np.float64), np.asarray(safe, dtype=np.bool_)
    if p.ndim != 1 or p.shape != right.shape:
        raise ValueError(f"scores {p.shape} and safe {right.shape} must be one number per cue")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("scores must be probabilities in [0, 1]: apply a sigmoid first")
    return p, right
