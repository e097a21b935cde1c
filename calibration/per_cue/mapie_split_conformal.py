"""MAPIE's own split-conformal classifier on cue scores, for users who know MAPIE.

``SplitConformalClassifier`` (mapie.readthedocs.io) with the "lac" score, the only one it allows for
two classes. The set holds the true label of a random cue with probability at least
``confidence_level``; like LYNX's rule this says nothing about how often a *problem* exits wrongly.
Only the quantile leaves MAPIE, so that it can be stored as JSON; its objects are pickles.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin

from probexit.calibration.base import Array, Bools
from probexit.calibration.per_cue.base import CueCalibrator, CueRule


class _Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted classifier whose one feature is the probability of class 1."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, features: Array, labels: Array) -> "_Scores":
        return self

    def predict_proba(self, features: Array) -> Array:
        p = np.asarray(features, dtype=np.float64)[:, 0]
        return np.stack([1 - p, p], axis=1)

    def predict(self, features: Array) -> Array:
        return (self.predict_proba(features)[:, 1] >= 0.5).astype(int)


@dataclass(frozen=True)
class MapieSplitConformal(CueCalibrator):
    """One quantile for both classes of cue; ``delta`` is one minus MAPIE's confidence level."""

    promise: ClassVar[str] = (
        "Per cue only: the set of a random cue misses its label with probability at most "
        "{delta:g}. Says nothing about how often a problem exits wrongly."
    )

    def _fitted(self, p: Array, safe: Bools) -> CueRule:
        fitted = SplitConformalClassifier(
            _Scores(), confidence_level=1 - self.delta, conformity_score="lac", prefit=True
        ).conformalize(p[:, None], safe.astype(int))
        # the quantile is one of the calibration scores: ask for the lowest that still fits "safe"
        candidates = np.unique(np.where(safe, p, 1 - p))
        _, sets = fitted.predict_set(candidates[:, None])
        q = 1 - float(candidates[sets[:, 1, 0]].min())
        return CueRule(q_pos=q, q_neg=q)
