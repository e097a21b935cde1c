"""What all linear probes share: a standardised direction, read through a sigmoid."""

from dataclasses import dataclass, fields
from typing import Self

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from probexit.probes.base import Probe
from probexit.probes.stored import require_shapes
from probexit.probes.training_set import TrainingSet, as_double, moments


@dataclass(frozen=True)
class LinearHead:
    """``sigmoid((x - mean) / scale . weight + bias)``; ``mean, scale, weight [d]``, ``bias []``."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    @classmethod
    def along(cls, direction: Tensor, scale: Tensor, data: TrainingSet) -> Self:
        """Fit sign, slope and offset of a logistic curve along ``direction [d]``.

        The fit is one-dimensional (Platt 1999), with scikit-learn's default penalty ``C = 1``,
        which keeps the slope finite when the classes separate.
        """
        mean = data.X.mean(dim=0)
        reading = ((data.X - mean) / scale) @ direction[:, None]
        _, spread = moments(reading)
        curve = LogisticRegression(C=1.0, max_iter=1000)
        curve.fit(as_double(reading / spread), data.labels())
        slope = float(curve.coef_[0, 0]) / float(spread)
        return cls(mean, scale, slope * direction, torch.tensor(float(curve.intercept_[0])))

    def to(self, device: torch.device) -> "LinearHead":
        """Return this head on ``device``: itself if it is there already."""
        if self.weight.device == device:
            return self
        return LinearHead(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def score(self, X: Tensor) -> Tensor:
        """Map ``[..., d]`` to ``[...]``.

        Product and sum instead of a matrix product: autocast then leaves float32 alone, and on a
        CPU the batch around a row changes its score by no more than the last bit of the sigmoid.
        """
        reading = ((X.float() - self.mean) / self.scale * self.weight).sum(dim=-1)
        return torch.sigmoid(reading + self.bias)


class LinearProbe(Probe):
    """A probe whose fitted state is one ``LinearHead``; members say how to ``fit`` it."""

    head_: LinearHead | None = None

    def _score(self, X: Tensor) -> Tensor:
        self._require_width(X)
        self.head_ = self._head().to(X.device)
        return self.head_.score(X)

    def state(self) -> dict[str, Tensor]:
        head = self._head().to(torch.device("cpu"))
        return {f.name: getattr(head, f.name) for f in fields(head)}

    def restore(self, state: dict[str, Tensor]) -> None:
        width = [len(state["weight"])]
        require_shapes(state, {"mean": width, "scale": width, "weight": width, "bias": ()})
        self.head_ = LinearHead(**state)

    @property
    def width(self) -> int:
        return self._head().weight.shape[0]

    def _head(self) -> LinearHead:
        if self.head_ is None:
            raise self._unfitted()
        return self.head_
