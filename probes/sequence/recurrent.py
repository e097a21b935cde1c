"""What recurrent sequence probes share: one layer, read through a sigmoid at every cue.

Recipe of Learn-to-Stop (arXiv 2506.02536, section 3.3 and its released settings): 128 units,
dropout .1, Adam at 5e-4 in batches of 32, cosine annealing with restarts after 20, 60, 140 epochs.
It trains for 200; here the first cycle of 20 is all, which takes a second instead of a minute.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from probexit.probes.early_stopping import EarlyStopping
from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.training_set import Thinkings
from probexit.probes.splits import group_holdout
from probexit.probes.stored import require_shapes

_LOWEST_RATE = 1e-6


class RecurrentNet(nn.Module):
    """Standardise ``[n, c, d]``, one recurrent layer, dropout, a linear head: logits ``[n, c]``."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, layer: nn.Module, units: int, dropout: float):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.layer = layer
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(units, 1)

    def forward(self, X: Tensor, past: Any = None) -> tuple[Tensor, Any]:
        """Return the logits, and what the layer remembers."""
        seen, past = self.layer((X.float() - self.mean) / self.scale, past)
        return self.head(self.dropout(seen)).squeeze(-1), past


@dataclass
class Recurrent(SequenceProbe):
    """One recurrent layer trained by log-loss on labels in [0, 1]; the best epoch is kept.

    The best epoch has the lowest log-loss on problems held out (the paper: the best F1). One seed
    gives one probe.

    Attributes:
        units: Units of the recurrent layer.
        dropout: Between it and the head, in training.
        learning_rate: Learning rate of Adam, at the start of the cosine.
        batch: Thinkings per step, at most.
        epochs: Epochs of the one cosine cycle.
        holdout: Share of the problems held out.
        seed: Seed of hold-out, initial weights, dropout and shuffling.
    """

    units: int = 128
    dropout: float = 0.1
    learning_rate: float = 5e-4
    batch: int = 32
    epochs: int = 20
    holdout: float = 0.2
    seed: int = 42

    def __post_init__(self) -> None:
        self.net_: RecurrentNet | None = None

    @abstractmethod
    def layer(self, d: int) -> nn.Module:
        """Make the recurrent layer, batch first, of width ``d`` to ``units``."""

    def fit(
        self, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None = None
    ) -> Self:
        data = Thinkings.of(states, labels, groups)
        held_out = group_holdout(data.groups, self.holdout, self.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.net_ = self._train(data.take(~held_out), data.take(held_out))
        return self

    def score(self, states: Tensor) -> Tensor:
        self._require_width(states)
        net, past = self._net().to(states.device), None
        scores = [torch.empty(0, device=states.device)]
        with torch.autocast(states.device.type, enabled=False):
            for state in states.float():  # one by one, so that what follows changes no bit
                logit, past = net(state[None, None], past)
                scores.append(torch.sigmoid(logit[0]))
        return torch.cat(scores)

    def state(self) -> dict[str, Tensor]:
        return {name: tensor.cpu() for name, tensor in self._net().state_dict().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        width = list(state["mean"].shape)
        require_shapes(state, {"scale": width, "head.weight": (1, self.units)})
        with torch.random.fork_rng(devices=[]):
            net = self._build(state["mean"], state["scale"])
        net.load_state_dict(state)
        self.net_ = net.eval().requires_grad_(False)

    @property
    def width(self) -> int:
        return len(self._net().mean)

    def _net(self) -> RecurrentNet:
        if self.net_ is None:
            raise self._unfitted()
        return self.net_

    def _build(self, mean: Tensor, scale: Tensor) -> RecurrentNet:
        return RecurrentNet(mean, scale, self.layer(len(mean)), self.units, self.dropout)

    def _train(self, training: Thinkings, validation: Thinkings) -> RecurrentNet:
        net = self._build(*training.moments())
        optimiser = torch.optim.Adam(net.parameters(), lr=self.learning_rate, fused=True)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.epochs, _LOWEST_RATE)
        best = EarlyStopping(patience=self.epochs)
        for _ in range(self.epochs):
            for rows in torch.split(torch.randperm(len(training.X)), self.batch):
                optimiser.zero_grad()
                loss = _log_loss(net, training.take(rows))
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            cosine.step()
            net.eval()
            with torch.no_grad():
                best.should_stop(net, float(_log_loss(net, validation)))
            net.train()
        net.load_state_dict(best.best_state_)
        return net.eval().requires_grad_(False)


def _log_loss(net: RecurrentNet, data: Thinkings) -> Tensor:
    logits, _ = net(data.X)
    return binary_cross_entropy_with_logits(logits[data.real], data.y[data.real])
