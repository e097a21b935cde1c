"""Difference of the class means: one direction, nothing to tune (arXiv 2310.06824, section 5)."""

from dataclasses import dataclass

import torch

from probexit.probes.linear import LinearHead, LinearProbe
from probexit.probes.training_set import TrainingSet


@dataclass
class MeanDifference(LinearProbe):
    """Project on ``mean(X | y = 1) - mean(X | y = 0)``; a logistic curve maps that to [0, 1].

    Hidden states are not standardised first, as published, so features that vary most weigh most.
    """

    def _fit(self, data: TrainingSet) -> None:
        direction = data.X[data.y == 1].mean(dim=0) - data.X[data.y == 0].mean(dim=0)
        self.head_ = LinearHead.along(direction, torch.ones_like(direction), data)
