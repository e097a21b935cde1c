"""Conformal risk control when new problems are drawn differently: weights for covariate shift.

Tibshirani, Barber, Candes and Ramdas (arXiv 1904.06019); for losses, Angelopoulos et al.
(arXiv 2208.02814, on distribution shift). Only the mix of problems may differ: what a problem of
a given kind loses must not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from probexit.calibration.base import Array, checked, laxest, monotonised, require_level

Weigh = Callable[[ArrayLike], Array]


@dataclass(frozen=True)
class WeightedConformal:
    """Take the laxest threshold with ``(sum w L* + w_new) / (sum w + w_new) <= alpha``.

    Not a :class:`.Calibrator`: it needs weights. ``L*`` is the monotonised loss.

    Attributes:
        alpha: The expected loss of a new problem that must not be exceeded.
    """

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha)

    def select(self, losses: Array, grid: Array, weights: ArrayLike, new_weight: float) -> float:
        """Return the threshold.

        Args:
            losses: ``[n, m]`` loss of each calibration problem at each threshold, strict to lax.
            grid: ``[m]`` the thresholds.
            weights: ``[n]`` how much likelier each problem is now than in calibration; any scale.
            new_weight: That of the new problem; the largest possible one holds for all of them.

        Raises:
            ValueError: on a shape mismatch or on weights that are negative or not finite.
        """
        table, thresholds = checked(losses, grid)
        w = np.asarray(weights, dtype=np.float64)
        if w.shape != (len(table),):
            raise ValueError(f"weights {w.shape} must be one number for each of {len(table)}")
        if not (np.isfinite(w).all() and (w >= 0).all() and 0 <= new_weight < np.inf):
            raise ValueError("weights must be finite and not negative")
        share = (w @ monotonised(table) + new_weight) / max(w.sum() + new_weight, 1e-300)
        return laxest(thresholds, share <= self.alpha)


def density_ratio(before: ArrayLike, now: ArrayLike) -> Weigh:
    """Estimate the weights from features, by a classifier that tells new problems from old ones.

    Args:
        before: ``[n, d]`` features of calibration problems (not the ones calibrated on).
        now: ``[k, d]`` features of problems as they come now; no labels needed.

    Returns:
        A function from features ``[j, d]`` to weights ``[j]``. Estimated weights make the promise
        approximate: it degrades with their error.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(np.concatenate([old, new]), np.repeat([0, 1], [len(old), len(new)]))

    def weigh(features: ArrayLike) -> Array:
        odds = np.exp(model.decision_function(np.asarray(features, dtype=np.float64)))
        return np.asarray(odds * len(old) / len(new), dtype=np.float64)

    return weigh
