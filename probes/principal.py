"""Logistic regression on the leading principal components (arXiv 2505.18404; released code).

Thought Calibration reads mean hidden states of whole steps this way: standardise, keep 256
components, regress. The three maps are linear, so what is kept is one direction.
"""

from dataclasses import dataclass

import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from probexit.probes.linear import LinearHead, LinearProbe
from probexit.probes.training_set import TrainingSet, as_double, moments


@dataclass
class Principal(LinearProbe):
    """Standardise, project on principal components, L2-penalised logistic regression.

    Attributes:
        components: Components kept, at most; fewer if there are fewer cues or features.
        C: Inverse strength of the penalty, as in scikit-learn, whose default the paper keeps.
        max_iter: Steps of L-BFGS.
    """

    components: int = 256
    C: float = 1.0
    max_iter: int = 5000

    def _fit(self, data: TrainingSet) -> None:
        mean, scale = moments(data.X)
        standard = ((data.X - mean) / scale).double()
        axes = _leading(standard, self.components)
        model = LogisticRegression(C=self.C, max_iter=self.max_iter)
        with threadpool_limits(1):
            model.fit(as_double(standard @ axes), data.labels())
        self.n_iter_ = int(model.n_iter_[0])
        weight = axes.cpu() @ torch.as_tensor(model.coef_[0], dtype=torch.float64)
        bias = torch.tensor(float(model.intercept_[0]))
        self.head_ = LinearHead(mean.cpu(), scale.cpu(), weight.float(), bias)


def _leading(X: Tensor, components: int) -> Tensor:
    """Return the axes ``[d, k]`` of largest variance of centred ``X [n, d]``."""
    axes: Tensor = torch.linalg.eigh(X.T @ X).eigenvectors
    return axes.flip(1)[:, : min(components, len(X), X.shape[1])]
