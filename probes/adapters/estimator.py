"""Any binary classifier of scikit-learn as a probe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probexit.probes.base import Probe
from probexit.probes.training_set import TrainingSet, as_double


@dataclass
class EstimatorProbe(Probe):
    """Scores by ``predict_proba`` of a classifier, which is cloned before it is fitted.

    It works wherever a probe does in this process. It cannot be saved, since a file must not run
    code: choose a probe of this package for a controller that is deployed.

    Attributes:
        estimator: A classifier with ``predict_proba``, a pipeline included.
    """

    estimator: Any = None

    def _fit(self, data: TrainingSet) -> None:
        given = LogisticRegression() if self.estimator is None else self.estimator
        if not hasattr(given, "predict_proba"):
            raise ValueError(
                f"{type(given).__name__} has no predict_proba: wrap it in CalibratedClassifierCV"
            )
        self.estimator_ = clone(given).fit(as_double(data.X), data.labels())

    def _score(self, X: Tensor) -> Tensor:
        self._require_width(X)
        rows = X.detach().reshape(-1, X.shape[-1]).cpu().double().numpy()
        found = np.full(len(rows), np.nan, np.float32)
        read: NDArray[np.bool_] = np.isfinite(rows).all(1)
        if read.any():
            found[read] = self.estimator_.predict_proba(rows[read])[:, 1]
        return torch.from_numpy(found).reshape(X.shape[:-1]).to(X.device)

    @property
    def width(self) -> int:
        if not hasattr(self, "estimator_"):
            raise self._unfitted()
        return int(self.estimator_.n_features_in_)

    def state(self) -> dict[str, Tensor]:
        """Refuse.

        Raises:
            ValueError: always; a classifier of another library would have to be unpickled.
        """
        raise ValueError(
            f"{type(self.estimator).__name__} cannot be saved without pickle: use it in this "
            "process, or a probe of `probexit list probes` for what is kept"
        )

    def save(self, folder: Path | str) -> None:
        """Refuse, as ``state``.

        Raises:
            ValueError: always.
        """
        self.state()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Refuse, as ``state``.

        Raises:
            ValueError: always.
        """
        self.state()
