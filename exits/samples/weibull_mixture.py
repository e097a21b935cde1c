"""Two Weibull distributions fitted to the probabilities of a problem's samples (RPC, 2502.00511).

f(x; k, s) = k / s (x / s)^(k - 1) exp(-(x / s)^k),    p(x) = w f_high(x) + (1 - w) f_low(x)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gamma
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
START = (0.5, 1.0, 1.0, 1.5, 2.0)  # as the released code (@ec0d75a): weight, shapes and scales
BOUNDS = ((0.2, 0.8), *[(0.01, None)] * 4)
LEAST = 1e-300  # a density below this counts as this: its logarithm must exist


@dataclass(frozen=True)
class WeibullMixture:
    """A mixture of two Weibull distributions on the positive numbers.

    Attributes:
        weight: Share of the component with the larger mean.
        high: Shape and scale of that component.
        low: Shape and scale of the other.
    """

    weight: float
    high: tuple[float, float]
    low: tuple[float, float]

    @classmethod
    def fit(cls, values: Sequence[float]) -> Self:
        """Fit by maximum likelihood (L-BFGS-B from the released code's start).

        Args:
            values: ``n`` numbers above 0.

        Raises:
            ValueError: if there are none, or one is not above 0.
        """
        x = np.asarray(values, np.float64)
        if not len(x) or not (x > 0).all():
            raise ValueError(f"a Weibull mixture needs numbers above 0, not {list(values)}")

        def loss(parameters: Array) -> float:
            w, k1, s1, k2, s2 = parameters
            mixed = w * density(x, k1, s1) + (1 - w) * density(x, k2, s2)
            return -float(np.log(np.maximum(mixed, LEAST)).sum())

        w, *rest = minimize(loss, START, bounds=BOUNDS, method="L-BFGS-B").x
        first, second = (float(rest[0]), float(rest[1])), (float(rest[2]), float(rest[3]))
        if mean(*first) >= mean(*second):
            return cls(float(w), first, second)
        return cls(1 - float(w), second, first)

    def of_high(self, values: Sequence[float]) -> Array:
        """Return the probability that each value came from the component with the larger mean."""
        x = np.asarray(values, np.float64)
        ours = self.weight * density(x, *self.high)
        theirs = (1 - self.weight) * density(x, *self.low)
        found: Array = np.maximum(ours, LEAST) / np.maximum(ours + theirs, LEAST)
        return np.minimum(found, 1.0)


def density(x: Array, shape: float, scale: float) -> Array:
    """Return the Weibull density at ``x [n]``, all above 0."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        z = x / scale
        found: Array = shape / scale * z ** (shape - 1) * np.exp(-(z**shape))
    return np.nan_to_num(found, nan=0.0, posinf=0.0)


def mean(shape: float, scale: float) -> float:
    """Return the mean of a Weibull distribution, ``s Gamma(1 + 1 / k)``."""
    inverse = 1 / shape
    return scale * gamma(1 + inverse) if inverse < 150 else float("inf")
