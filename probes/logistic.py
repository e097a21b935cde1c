"""Logistic regression: the probe to try first; linear usually wins (arXiv 2504.05419, Table 8)."""

from dataclasses import dataclass
from typing import Literal

import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from probexit.probes.linear import LinearHead, LinearProbe
from probexit.probes.training_set import TrainingSet, moments, standardised


@dataclass
class Logistic(LinearProbe):
    """L2-penalised logistic regression on standardised hidden states.

    Attributes:
        C: Inverse strength of the penalty, as in scikit-learn. Hidden states have hundreds of
            correlated columns, so the default is a hundredth of scikit-learn's.
        class_weight: ``"balanced"`` weighs each class by ``n / (2 n_c)``. None (the default) leaves
            the scores estimates of the probability, which reliability diagrams and Brier scores
            assume; a calibrated threshold does not care.
        max_iter: Steps of L-BFGS before scikit-learn warns that it has not converged.
    """

    C: float = 0.01
    class_weight: Literal["balanced"] | None = None
    max_iter: int = 1000

    def _fit(self, data: TrainingSet) -> None:
        mean, scale = moments(data.X)
        model = LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=self.max_iter)
        # A second thread waits more than it works here: minutes for seconds, on a busy machine.
        with threadpool_limits(1):
            model.fit(standardised(data.X, mean, scale), data.labels())
        self.n_iter_ = int(model.n_iter_[0])
        weight = torch.as_tensor(model.coef_[0], dtype=torch.float32)
        bias = torch.tensor(float(model.intercept_[0]))
        self.head_ = LinearHead(mean.cpu(), scale.cpu(), weight, bias)
