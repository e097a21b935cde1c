"""Platt scaling: a logistic curve in the score (Platt 1999, "Probabilistic outputs for SVMs")."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.scaling.base import Scaling, smoothed


@dataclass
class Platt(Scaling):
    """``sigmoid(slope * score + offset)``; for scores of any scale."""

    fitted: ClassVar[tuple[str, ...]] = ("slope_", "offset_")
    slope_: float = field(init=False, default=float("nan"))
    offset_: float = field(init=False, default=float("nan"))

    def fit(self, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Self:
        s, y, w = smoothed(Scored.of(scores, labels, weights))
        model = LogisticRegression(C=np.inf, max_iter=1000).fit(s[:, None], y, sample_weight=w)
        # a falling curve would turn the ranking of the scores around
        self.slope_ = max(float(model.coef_[0, 0]), 0.0)
        self.offset_ = float(model.intercept_[0])
        return self

    def transform(self, scores: ArrayLike) -> Array:
        if np.isnan(self.slope_):
            raise ValueError("fit the scaling first")
        return np.asarray(expit(self.slope_ * np.asarray(scores) + self.offset_))
