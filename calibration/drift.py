"""Notice, without labels, that scores no longer come as they did in calibration.

A conformal test martingale (Vovk, Gammerman and Shafer 2005, section 7.1): each new score is ranked
among all earlier ones, and a bet on those ranks not being uniform grows only if they are not
exchangeable. Ranks and bets are MAPIE's (``OnlineMartingaleTest``, mapie.readthedocs.io).

An alarm says that the promise of the threshold may no longer hold, not that it is broken: calibrate
again. Silence says nothing about labels that changed under the same scores.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from mapie.exchangeability_testing import OnlineMartingaleTest
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, require_level


@dataclass
class DriftAlarm:
    """Watch one score per problem (its largest, say): cues of one trace are not exchangeable.

    If nothing drifts, the alarm ever rings with probability at most ``level``, however long it
    watches. Scores seen join the reference: against a fixed one the ranks would carry the
    reference's own error, and a long enough stream would always ring.

    Attributes:
        level: That probability.
        jump: How readily the bet turns its direction (MAPIE's ``jump_size``).
        seed: Seed of the random tie-breaking.
        wealth_: What the bet has grown to; 1 at the start.
        rang_: Whether it ever reached ``1 / level``.
    """

    level: float = 0.05
    jump: float = 0.01
    seed: int = 0
    wealth_: float = field(init=False, default=1.0)
    rang_: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        require_level(level=self.level, jump=self.jump)
        self._bet = OnlineMartingaleTest(jump_size=self.jump, random_state=self.seed)
        self._seen: Array = np.empty(0)
        self._count = 0

    def fit(self, reference: ArrayLike) -> Self:
        """Take the scores of the calibration problems, ``[n]``, as what is normal.

        Raises:
            ValueError: when there are none or some are not finite.
        """
        scores = np.array(reference, dtype=np.float64)
        if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
            raise ValueError(f"reference {scores.shape} must be [n] finite scores, n > 0")
        self._seen, self._count = scores, scores.size
        return self

    def update(self, score: float) -> bool:
        """Take the score of one more problem and return whether the alarm has rung.

        Raises:
            ValueError: before :meth:`fit`, or on a score that is not finite.
        """
        if not self._count:
            raise ValueError("fit a reference first")
        if not np.isfinite(score):
            raise ValueError(f"score must be finite, got {score!r}")
        p = self._bet.compute_p_value(score, self._seen[: self._count])
        self._remember(score)
        self.wealth_ = float(self._bet.update_simple_jumper_martingale(p))
        self.rang_ = self.rang_ or self.wealth_ >= 1 / self.level
        return self.rang_

    def _remember(self, score: float) -> None:
        if self._count == self._seen.size:  # double, so that a long stream copies little
            self._seen = np.concatenate([self._seen, np.empty_like(self._seen)])
        self._seen[self._count] = score
        self._count += 1
