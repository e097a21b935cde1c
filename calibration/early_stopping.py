"""Choose the probe's training epoch and calibrate it on the same held-out problems.

Conformalized early stopping (Liang, Zhou and Sesia, arXiv 2301.11556): had the new problem been
among those that chose the epoch, it would be exchangeable with them and split conformal exact. It
is not yet known, so every epoch that one more problem *could* have made the best stays in play, and
the rule exits only where all of these would.

Choosing the epoch and its quantile on the same problems without this ("naive re-use") exits wrongly
more often than stated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, Bools, require_level
from probexit.calibration.statistics.bounds import rank


@dataclass(frozen=True)
class EpochRule:
    """Exit at a cue where every epoch in play scores strictly above its bound.

    Attributes:
        epochs: Indices of the epochs in play, the best first.
        bounds: The conformal quantile of each; ``inf`` when there are too few problems.
    """

    epochs: tuple[int, ...]
    bounds: tuple[float, ...]

    def exits(self, scores: ArrayLike) -> Bools:
        """Return ``[...]`` from the scores ``[..., epochs in play]`` at a cue."""
        above = np.asarray(scores, dtype=np.float64) > np.asarray(self.bounds)
        return np.asarray(above.all(axis=-1), dtype=np.bool_)


@dataclass(frozen=True)
class CertifiedStopping:
    """Not a :class:`.Calibrator`: it needs one column per epoch, not per threshold.

    The chance that a new problem exits at an unsafe cue is at most alpha, on average over
    calibration draws; assumes exchangeable problems.

    Attributes:
        alpha: That chance.
    """

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha)

    def choose(self, unsafe: ArrayLike, selection: ArrayLike) -> EpochRule:
        """Return the epochs in play with their bounds.

        Args:
            unsafe: ``[n, epochs]`` the largest score over the unsafe cues of each problem; ``-inf``
                where none is unsafe.
            selection: ``[n, epochs]`` the loss in [0, 1] that chooses the epoch by its sum over
                problems, say the Brier score averaged over the cues of a problem.

        Raises:
            ValueError: on a shape mismatch, NaN, or selection losses outside [0, 1].
        """
        scores, loss = _tables(unsafe, selection)
        total = loss.sum(axis=0)
        # one more problem adds between 0 and 1 to each total
        playing = np.flatnonzero(total <= total.min() + 1)
        best_first = playing[np.argsort(total[playing], kind="stable")]
        k = rank(len(scores), self.alpha)
        bounds = (
            np.sort(scores[:, best_first], axis=0)[k - 1]
            if k <= len(scores)
            else np.full(best_first.size, np.inf)
        )
        return EpochRule(tuple(best_first.tolist()), tuple(bounds.tolist()))


def _tables(unsafe: ArrayLike, selection: ArrayLike) -> tuple[Array, Array]:
    scores, loss = np.asarray(unsafe, dtype=np.float64), np.asarray(selection, dtype=np.float64)
    if scores.ndim != 2 or scores.shape != loss.shape or scores.size == 0:
        raise ValueError(f"unsafe {scores.shape} and selection {loss.shape} must be [n, epochs]")
    if np.isnan(scores).any():
        raise ValueError("unsafe scores must not be NaN; use -inf where no cue is unsafe")
    if not ((loss >= 0) & (loss <= 1)).all():
        raise ValueError("selection losses must lie in [0, 1]; average rather than sum over cues")
    return scores, loss
