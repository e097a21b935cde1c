"""The contract of a probe: from hidden states ``[n, d]`` to scores ``[n]``, as in scikit-learn."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from probexit.probes.artefacts.hub import OnHub
from probexit.probes.stored import Stored
from probexit.probes.training_set import TrainingSet


@dataclass
class Probe(ClassifierMixin, BaseEstimator, Stored, OnHub):  # type: ignore[misc]  # sklearn is untyped
    """A light model that reads one hidden state and says how right it would be to stop.

    Notation: ``n`` cues, ``d`` width (several layers are concatenated by the caller).

    A probe is also a binary classifier of scikit-learn: it takes arrays, can be cloned, searched
    over and put behind a pipeline, and ``predict_proba`` gives arrays.
    """

    classes_ = np.array([0, 1])

    def fit(
        self,
        X: Tensor | ArrayLike,
        y: Tensor | ArrayLike,
        groups: Tensor | ArrayLike | None = None,
    ) -> Self:
        """Train on ``X [n, d]`` and labels ``y [n]`` in {0, 1}; 1 = stopping there is right.

        Args:
            X: Hidden states, any float dtype.
            y: Labels. Beside arrays, two labels of any kind; the greater one is 1.
            groups: ``[n]`` problem of each cue. Any inner hold-out (early stopping) is split by it.

        Raises:
            ValueError: on non-finite values, mismatched lengths or a single class.
        """
        if isinstance(X, Tensor):
            labels, self.classes_ = torch.as_tensor(y), np.array([0, 1])
            self.n_features_in_ = X.shape[-1]
        else:
            X, labels = self._checked(X, y)
        problems = None if groups is None else numbered(groups)
        self._fit(TrainingSet.of(X, labels, problems))
        return self

    @abstractmethod
    def _fit(self, data: TrainingSet) -> None:
        """Train on checked data."""

    def by_epochs(self, X: Tensor, y: Tensor, epochs: int) -> tuple[Self, ...]:
        """Train on all of it, without a hold-out, and return the probe after each epoch.

        Args:
            X: ``[n, d]`` hidden states, any float dtype.
            y: ``[n]`` labels in {0, 1}.
            epochs: How many.

        Raises:
            ValueError: as ``fit``, and if this probe is not trained by epochs.
        """
        raise ValueError(
            f"{type(self).__name__} is not trained by epochs: use one that is, such as mlp"
        )

    @overload
    def score(self, X: Tensor) -> Tensor: ...
    @overload
    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float: ...
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Map ``[..., d]`` to ``[...]`` float32 in [0, 1]; larger = likelier right to stop.

        Runs in torch on the device of ``X``, in float32 whatever the dtype of ``X``. A NaN in a
        row gives that row a NaN score, which passes no threshold: the safe answer, "think on".
        With labels it is scikit-learn's ``score`` instead: the share of them that is predicted.

        Raises:
            ValueError: if the probe is not fitted or the width is not ``self.width``.
        """
        if y is not None:
            return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))
        return self._score(X)

    @abstractmethod
    def _score(self, X: Tensor) -> Tensor:
        """See ``score``."""

    def predict_proba(self, X: Tensor | ArrayLike) -> NDArray[np.float64]:
        """Return ``[n, 2]`` probabilities of wrong and right to stop, as an array.

        Raises:
            ValueError: as ``score``, and on values that are not finite.
        """
        check_is_fitted(self)
        if not isinstance(X, Tensor):
            X = torch.tensor(validate_data(self, X, reset=False, dtype=np.float64))
        right = self._score(X).cpu().numpy().astype(np.float64)
        return np.stack([1 - right, right], -1)

    def predict(self, X: Tensor | ArrayLike) -> NDArray[Any]:
        """Return ``[n]`` the likelier label of each state."""
        chosen: NDArray[Any] = self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]
        return chosen

    def save(self, folder: Path | str) -> None:
        """Write ``probe.json`` and its tensors into ``folder``.

        Raises:
            ValueError: if its labels are not 0 and 1, which a saved probe always predicts.
        """
        if self.classes_.tolist() != [0, 1]:
            raise ValueError(f"labels {self.classes_.tolist()} are not kept: fit on 0 and 1")
        super().save(Path(folder))

    def card(self, name: str) -> str:
        """Return the model card."""
        return (
            "---\nlibrary_name: probexit\ntags: [probexit, probe]\n---\n\n"
            f"# {name}: a probe\n\n{type(self).__name__} on hidden states of width {self.width}: "
            "larger scores mean that stopping the thinking there is likelier right. It reads only "
            "the model and layers that it was trained on, and promises nothing by itself: "
            "calibrate a threshold.\n\n```python\n"
            f"from {type(self).__module__} import {type(self).__name__}\n"
            f"probe = {type(self).__name__}.from_pretrained({name!r})\n"
            "scores = probe.score(hidden)\n```\n"
        )

    def __sklearn_is_fitted__(self) -> bool:
        try:
            return self.width > 0
        except ValueError:
            return False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _checked(self, X: ArrayLike, y: ArrayLike) -> tuple[Tensor, Tensor]:
        """Check arrays as scikit-learn does, and number their two labels."""
        states, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}: it "
                f"has {len(self.classes_)} class{'es' * (len(self.classes_) != 1)}, not 2"
            )
        return torch.tensor(states), torch.as_tensor(numbers)


def numbered(groups: Tensor | ArrayLike) -> Tensor:
    """Return problems as numbers, whatever names them."""
    if isinstance(groups, Tensor):
        return groups
    return torch.as_tensor(np.unique(np.asarray(groups), return_inverse=True)[1])
