"""Linear discriminant with a shrunk covariance: closed form, good with few problems.

Shrinkage by Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance
matrices", J. Multivariate Analysis 88 (2004); https://doi.org/10.1016/S0047-259X(03)00096-4
"""

from dataclasses import dataclass

import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from probexit.probes.linear import LinearHead, LinearProbe
from probexit.probes.training_set import TrainingSet, moments, standardised


@dataclass
class Discriminant(LinearProbe):
    """The mean difference, whitened by the shrunk covariance within classes.

    Takes ``O(n d^2 + d^3)``: seconds up to a width of a few thousand.
    """

    def _fit(self, data: TrainingSet) -> None:
        mean, scale = moments(data.X)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        model.fit(standardised(data.X, mean, scale), data.labels())
        weight = torch.as_tensor(model.coef_[0], dtype=torch.float32)
        bias = torch.tensor(float(model.intercept_[0]))
        self.head_ = LinearHead(mean.cpu(), scale.cpu(), weight, bias)
