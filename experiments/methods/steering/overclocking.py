"""Make the model believe that it is further along (overclocking, arXiv 2506.07240)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import progress
from probexit.experiments.methods.core.steering import Steering, states


@dataclass(frozen=True)
class Overclocking(Steering):
    """Add the progress vector: the ridge regression of relative position in the thinking on states.

    ``theta = argmin sum (theta . h_j - j / N)^2`` over states of the thinking, ``h <- h + alpha
    theta``. The paper fits on the last layer, without penalty, and on every token; here on cue
    tokens, with an intercept and a penalty, at the layer where it is added. The paper's alpha is
    absolute; here it is relative to the norm of a state. The paper's table could not be verified.

    Attributes:
        penalty: Penalty of the ridge regression, in multiples of the mean variance of a coordinate.
    """

    title: ClassVar[str] = "overclocking"
    training: ClassVar[str] = "ridge regression of progress"
    source: ClassVar[str] = "2506.07240"
    summary: ClassVar[str] = "adds the direction in which the thinking comes to its end"
    penalty: float = 0.1

    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        X = states(traces, layer)
        return ridge(X, torch.cat([progress(trace) for trace in traces]), self.penalty)


def ridge(X: Tensor, y: Tensor, penalty: float) -> Tensor:
    """Return the weights ``[d]`` of a ridge regression with intercept of ``y [n]`` on ``X [n, d]``.

    ``(C + p mean(diag C) I) w = cov(X, y)``, with ``C`` the covariance of ``X``.
    """
    X, y = (X - X.mean(0)).double(), (y - y.mean()).double()
    covariance = X.T @ X / len(X)
    shrunk = covariance + penalty * covariance.diagonal().mean() * torch.eye(X.shape[1]).double()
    weights: Tensor = torch.linalg.lstsq(shrunk, X.T @ y / len(X), driver="gelsd").solution
    return weights.float()
