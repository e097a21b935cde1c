"""A random direction: the floor that every comparison of probes must show."""

from dataclasses import dataclass

import torch

from probexit.probes.linear import LinearHead, LinearProbe
from probexit.probes.training_set import TrainingSet, moments


@dataclass
class RandomDirection(LinearProbe):
    """Project standardised hidden states on a Gaussian direction; only sign and curve are fitted.

    What it scores above chance is what any direction of this representation gives for free.

    Attributes:
        seed: Seed of the direction, which does not depend on the data.
    """

    seed: int = 0

    def _fit(self, data: TrainingSet) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        direction = torch.randn(data.X.shape[1], generator=generator).to(data.X.device)
        _, scale = moments(data.X)
        self.head_ = LinearHead.along(direction, scale, data)
