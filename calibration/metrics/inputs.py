"""Check scores, labels and weights once for every metric."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probexit.calibration.base import Array


@dataclass(frozen=True)
class Scored:
    """``scores [n]``, ``labels [n]`` in {0, 1} and ``weights [n]`` >= 0, as float64.

    A weight says how often a cue counts; a bootstrap draw is a set of whole-number weights.
    """

    scores: Array
    labels: Array
    weights: Array

    @classmethod
    def of(cls, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Check and convert; equal weights if there are none.

        Raises:
            ValueError: if there are no cues, lengths differ, a score is not finite, a label is not
                0 or 1, or a weight is negative or not finite.
        """
        s, y = np.asarray(scores, np.float64), np.asarray(labels, np.float64)
        w = np.ones_like(s) if weights is None else np.asarray(weights, np.float64)
        if s.ndim != 1 or not len(s) or not s.shape == y.shape == w.shape:
            raise ValueError(
                "scores, labels and weights must be [n] with n > 0, "
                f"got {s.shape}, {y.shape} and {w.shape}"
            )
        if not np.isfinite(s).all():
            raise ValueError(f"{(~np.isfinite(s)).sum()} of {len(s)} scores are not finite")
        if not ((y == 0) | (y == 1)).all():
            raise ValueError(f"labels must be 0 or 1, got {np.unique(y)[:5]}")
        if not (np.isfinite(w) & (w >= 0)).all():
            raise ValueError("weights must be finite and not negative")
        return cls(s, y, w)

    def probabilities(self) -> Self:
        """Return self.

        Raises:
            ValueError: if a score lies outside [0, 1].
        """
        low, high = self.scores.min(), self.scores.max()
        if low < 0 or high > 1:
            raise ValueError(f"scores must be probabilities in [0, 1], got {low:g} .. {high:g}")
        return self

    def problems(self, groups: ArrayLike) -> NDArray[np.int64]:
        """Number the problems of ``groups [n]`` from 0, in sorted order: ``[n]``.

        Raises:
            ValueError: if ``groups`` has another length.
        """
        g = np.asarray(groups)
        if g.shape != self.scores.shape:
            raise ValueError(f"groups must be {self.scores.shape} like scores, got {g.shape}")
        problem_of: NDArray[np.int64] = np.unique(g, return_inverse=True)[1]
        return problem_of

    def runs(self) -> tuple[Array, Array, Array]:
        """Total weight of labels 0 and 1 at each distinct score: ``scores, zeros, ones [k]``.

        Scores ascend. Sorted input is fastest.
        """
        order = np.argsort(self.scores, kind="stable")
        scores, ones = self.scores[order], (self.weights * self.labels)[order]
        starts = np.flatnonzero(np.r_[True, scores[1:] > scores[:-1]])
        all_ones = np.add.reduceat(ones, starts)
        return (
            scores[starts],
            np.add.reduceat(self.weights[order], starts) - all_ones,
            all_ones,
        )
