"""Check a probe's training data once, in one place, and hold it in one precision."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_BLOCK = 4096  # rows


@dataclass(frozen=True)
class TrainingSet:
    """``X [n, d]`` float32, ``y [n]`` float32 in {0, 1}, ``groups [n]`` int64, on X's device."""

    X: Tensor
    y: Tensor
    groups: Tensor

    @classmethod
    def of(cls, X: Tensor, y: Tensor, groups: Tensor | None) -> Self:
        """Check and convert; without ``groups`` every cue is a problem of its own.

        Raises:
            ValueError: on non-finite values, mismatched lengths, other labels or a single class.
        """
        if X.ndim != 2:
            raise ValueError(f"X must be [n, d], got shape {tuple(X.shape)}")
        groups = torch.arange(len(X)) if groups is None else groups
        for name, values in (("y", y), ("groups", groups)):
            if values.shape != X.shape[:1]:
                raise ValueError(
                    f"{name} must be [{len(X)}] like X's rows, got {tuple(values.shape)}"
                )
        X, y = X.detach().float(), y.detach().to(X.device).float()
        _require_finite(X)
        _require_two_classes(y)
        return cls(X, y, groups.to(X.device, torch.int64))

    def take(self, rows: Tensor) -> Self:
        """Keep ``rows`` (a mask or indices).

        Raises:
            ValueError: if only one class is left.
        """
        _require_two_classes(self.y[rows])
        return type(self)(self.X[rows], self.y[rows], self.groups[rows])

    def labels(self) -> NDArray[np.int64]:
        """Give ``y [n]`` to scikit-learn."""
        return self.y.cpu().numpy().astype(np.int64)


def moments(X: Tensor) -> tuple[Tensor, Tensor]:
    """Return the ``mean [d]`` and ``scale [d]`` that standardise ``X [n, d]``.

    The scale is the population standard deviation, and 1 for a feature that does not vary: what is
    left of it is float32 rounding, which must not be blown up to unit variance.
    """
    scale, mean = torch.std_mean(X, dim=0, correction=0)
    return mean, torch.where(scale > 1e-5 * mean.abs(), scale, torch.ones_like(scale))


def as_double(X: Tensor) -> NDArray[np.floating[Any]]:
    """Hand ``X [n, d]`` to scikit-learn in float64, where its line searches converge cleanly."""
    return X.cpu().double().numpy()


def standardised(X: Tensor, mean: Tensor, scale: Tensor) -> NDArray[np.float64]:
    """Hand ``(X - mean) / scale``, of ``X [n, d]`` float32, to scikit-learn in float64.

    Row block by row block, so that the float32 steps between do not take memory for all of ``X``.
    """
    out = np.empty(X.shape)
    for first in range(0, len(X), _BLOCK):
        rows = slice(first, first + _BLOCK)
        out[rows] = ((X[rows] - mean) / scale).cpu().numpy()
    return out


def _require_finite(X: Tensor) -> None:
    bad = (~torch.isfinite(X).all(dim=1)).nonzero().flatten()
    if len(bad):
        raise ValueError(
            f"X has non-finite values in {len(bad)} of {len(X)} rows (first: row {int(bad[0])}): "
            "drop those cues, or record in bfloat16 or float32 (float16 overflows above 65504)"
        )


def _require_two_classes(y: Tensor) -> None:
    found = sorted(set(y.tolist()))
    if not set(found) <= {0.0, 1.0}:
        raise ValueError(f"labels must be 0 or 1, got {found[:5]}")
    if len(found) < 2:
        raise ValueError(
            f"a probe needs both classes, labels 0 and 1, got only {found}: add problems"
        )
