"""The multilayer perceptron of LYNX (arXiv 2512.05325; settings read in its released code).

Trained in torch: scikit-learn's ``MLPClassifier``, which LYNX uses, draws its early-stopping
hold-out over cues, so that cues of one problem lie on both sides of it. Here the hold-out is split
by problem, and judged by its class-balanced log-loss rather than its accuracy.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch import Tensor

from probexit.probes.base import Probe
from probexit.probes.early_stopping import EarlyStopping
from probexit.probes.network import Network, balanced, log_loss, train_epoch
from probexit.probes.splits import group_holdout
from probexit.probes.stored import require_shapes
from probexit.probes.training_set import TrainingSet, moments

ATTEMPTS = 50  # at a hold-out with both classes, which few problems may not give at once


@dataclass
class MLP(Probe):
    """Standardise, ReLU layers, class-balanced log-loss, Adam, early stopping by problem.

    One seed gives one probe, on one kind of device.

    Attributes:
        hidden: Widths of the hidden layers.
        learning_rate: Learning rate of Adam.
        l2: Penalty on weights, not biases; each batch of ``b`` cues adds ``l2 / (2 b) |W|^2``.
        batch: Cues per step, at most.
        epochs: At most.
        patience: Epochs without a better hold-out after which training stops.
        holdout: Share of the problems held out.
        seed: Seed of hold-out, initial weights and shuffling.
        alpha: Weight of the right cues together, relative to the wrong ones; 1 balances them.
    """

    hidden: tuple[int, ...] = (256, 64)
    learning_rate: float = 1e-3
    l2: float = 1e-4
    batch: int = 200
    epochs: int = 500
    patience: int = 10
    holdout: float = 0.2
    seed: int = 42
    alpha: float = 1.0

    def _fit(self, data: TrainingSet) -> None:
        held_out = self._held_out(data)
        self.net_ = self._train(data.take(~held_out), data.take(held_out))

    def by_epochs(self, X: Tensor, y: Tensor, epochs: int) -> tuple[Self, ...]:
        found = []
        for net in self._epochs(TrainingSet.of(X, y, None), epochs):
            probe = replace(self)
            probe.classes_, probe.n_features_in_ = np.array([0, 1]), X.shape[-1]
            probe.net_ = deepcopy(net).requires_grad_(False)
            found.append(probe)
        return tuple(found)

    def _score(self, X: Tensor) -> Tensor:
        self._require_width(X)
        net = self._net().to(X.device)
        with torch.autocast(X.device.type, enabled=False):  # scores are float32 in any context
            return torch.sigmoid(net(X))

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.cpu() for name, tensor in self._net().state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        widths = [len(state["mean"]), *self.hidden, 1]
        shapes = {f"weights.{i}": pair[::-1] for i, pair in enumerate(pairwise(widths))}
        require_shapes(state, {"scale": widths[:1], **shapes})
        net = Network(state["mean"], state["scale"], self.hidden, torch.Generator())
        net.load_state_dict(state)
        self.net_ = net.requires_grad_(False)

    @property
    def width(self) -> int:
        return len(self._net().mean)

    def _held_out(self, data: TrainingSet) -> Tensor:
        """Choose the problems held out; again, where one side would have a single class."""
        for attempt in range(ATTEMPTS):
            mask = group_holdout(data.groups, self.holdout, self.seed + attempt)
            if all(len(set(data.y[side].tolist())) == 2 for side in (mask, ~mask)):
                return mask
        return group_holdout(data.groups, self.holdout, self.seed)

    def _net(self) -> Network:
        net: Network | None = getattr(self, "net_", None)
        if net is None:
            raise self._unfitted()
        return net

    def _train(self, training: TrainingSet, validation: TrainingSet) -> Network:
        stopping, weights = EarlyStopping(self.patience), balanced(validation.y, self.alpha)
        for net in self._epochs(training, self.epochs):
            with torch.no_grad():
                loss = float(log_loss(net, validation.X, validation.y, weights))
            if stopping.should_stop(net, loss):
                break
        net.load_state_dict(stopping.best_state_)
        return net.requires_grad_(False)

    def _epochs(self, training: TrainingSet, limit: int) -> Iterator[Network]:
        """Train a network; yield it, always the same one, after each epoch."""
        generator = torch.Generator().manual_seed(self.seed)
        net = Network(*moments(training.X), self.hidden, generator)
        n = len(training.X)
        batch = min(self.batch, n)
        optimiser = net.adam(self.learning_rate, self.l2 / batch)
        weights = balanced(training.y, self.alpha)
        for _ in range(limit):
            order = torch.randperm(n, generator=generator).to(training.X.device)
            train_epoch(net, optimiser, training, weights, torch.split(order, batch))
            yield net
