"""Isotonic calibration: the non-decreasing step curve that fits best.

Zadrozny and Elkan (KDD 2002, doi 10.1145/775047.775151), through scikit-learn.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.isotonic import IsotonicRegression

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.scaling.base import Scaling


@dataclass
class Isotonic(Scaling):
    """Straight lines between the corners of the fitted steps, flat outside.

    It assumes no shape and needs more data for that (some hundred cues). It ties scores, so it may
    change which threshold a rule can have.
    """

    fitted: ClassVar[tuple[str, ...]] = ("corners_", "values_")
    corners_: list[float] = field(init=False, default_factory=list)
    values_: list[float] = field(init=False, default_factory=list)

    def fit(self, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Self:
        data = Scored.of(scores, labels, weights)
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        curve.fit(data.scores, data.labels, sample_weight=data.weights)
        self.corners_ = curve.X_thresholds_.tolist()
        self.values_ = curve.y_thresholds_.tolist()
        return self

    def transform(self, scores: ArrayLike) -> Array:
        if not self.corners_:
            raise ValueError("fit the scaling first")
        return np.asarray(np.interp(np.asarray(scores), self.corners_, self.values_))
