"""Build and train the small ReLU networks of probes, deterministically."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from probexit.probes.training_set import TrainingSet


class Network(nn.Module):
    """Standardise ``[..., d]``, then linear layers with ReLU between; returns logits ``[...]``.

    Weights are drawn in ``+- sqrt(6 / (fan_in + fan_out))``, biases too, as scikit-learn does
    (Glorot and Bengio 2010, equation 16); on the CPU, so that they are alike on every device.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, mean: Tensor, scale: Tensor, hidden: Sequence[int], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise([len(mean), *hidden, 1]):
            bound = (6 / (fan_in + fan_out)) ** 0.5
            for parameters, shape in ((self.weights, [fan_out, fan_in]), (self.biases, [fan_out])):
                drawn = 2 * torch.rand(shape, generator=generator) - 1
                parameters.append(nn.Parameter((bound * drawn).to(mean.device)))

    def forward(self, X: Tensor) -> Tensor:
        """Return the logit of "right" for each state: ``X [..., d]`` -> ``[...]``."""
        state = (X.float() - self.mean) / self.scale
        *lower, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in lower:
            state = linear(state, weight, bias).relu()
        return linear(state, *last).squeeze(-1)

    def adam(self, learning_rate: float, decay: float) -> torch.optim.Optimizer:
        """Make Adam, with an L2 penalty of gradient ``decay * weight`` that spares the biases."""
        weights: dict[str, Any] = {"params": list(self.weights), "weight_decay": decay}
        biases: dict[str, Any] = {"params": list(self.biases)}
        return torch.optim.Adam([weights, biases], lr=learning_rate, fused=True)


def balanced(y: Tensor, alpha: float = 1.0) -> Tensor:
    """Weigh each of ``y [n]`` by ``n / (2 n_c)``, so that both classes weigh the same.

    The weight of ones is times ``alpha``: up to a factor, ``alpha n_0 / n_1`` against 1.
    """
    ones = y.mean()
    return torch.where(y == 1, alpha * 0.5 / ones, 0.5 / (1 - ones))


def log_loss(net: Network, X: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean log-loss of ``net`` on ``X [n, d]``, ``y [n]``; ``weights [n]``."""
    losses = binary_cross_entropy_with_logits(net(X), y, reduction="none")
    return (weights * losses).sum() / weights.sum()


def train_epoch(
    net: Network,
    optimiser: torch.optim.Optimizer,
    data: TrainingSet,
    weights: Tensor,
    batches: Sequence[Tensor],
) -> None:
    """Take one step for the rows of each batch; ``weights [n]`` are those of the cues."""
    for rows in batches:
        optimiser.zero_grad()
        loss = log_loss(net, data.X[rows], data.y[rows], weights[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
