"""Temperature scaling: one number that makes probabilities less, or more, extreme.

Guo, Pleiss, Sun and Weinberger (arXiv 1706.04599, section 4.2).
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.scaling.base import Scaling, smoothed

EDGE = 1e-7  # a probability of exactly 0 or 1 has no logit


@dataclass
class Temperature(Scaling):
    """``sigmoid(logit(score) / temperature)``; for scores that are probabilities."""

    fitted: ClassVar[tuple[str, ...]] = ("temperature_",)
    temperature_: float = field(init=False, default=float("nan"))

    def fit(self, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Self:
        p, y, w = smoothed(Scored.of(scores, labels, weights).probabilities())
        model = LogisticRegression(C=np.inf, fit_intercept=False, max_iter=1000)
        slope = float(model.fit(_logit(p)[:, None], y, sample_weight=w).coef_[0, 0])
        # scores that say the opposite of the truth are best ignored: an infinite temperature
        self.temperature_ = 1 / max(slope, 1e-6)
        return self

    def transform(self, scores: ArrayLike) -> Array:
        if np.isnan(self.temperature_):
            raise ValueError("fit the scaling first")
        return np.asarray(expit(_logit(np.asarray(scores, dtype=np.float64)) / self.temperature_))


def _logit(p: Array) -> Array:
    return np.asarray(logit(np.clip(p, EDGE, 1 - EDGE)))
