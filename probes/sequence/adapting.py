"""ORCA's probe, which goes on learning while it reads (arXiv 2604.01170, section 3; no-QK form).

At step t it says ``s_t = sigmoid(W_{t-1} . x_t + b)``, ``x_t`` the standardised state. Thinking
goes on, so it takes "not yet" for the label of the step and descends once on ``(s_t - 0)^2``:
``W_t = W_{t-1} - eta * 2 s_t^2 (1 - s_t) x_t``. What looks the same later then scores lower. The
start ``W_0`` is learned through this whole unrolling, so that after it the scores match the labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.training_set import Thinkings
from probexit.probes.stored import require_shapes


@dataclass
class Adapting(SequenceProbe):
    """A linear probe with a step of descent after every reading.

    Meta-learned on ``sum_t (s_t - y_t)^2`` by Adam with clipped gradients. The batch is not
    stated in the paper; ``b`` and ``W_0`` start at zero and only ``W`` moves at test time.

    Attributes:
        eta: Rate at test time.
        learning_rate: Learning rate of Adam, which learns ``W_0`` and ``b``.
        clip: Largest norm of its gradient.
        epochs: Passes over the training set.
        batch: Thinkings per step, at most.
        seed: Seed of shuffling.
    """

    eta: float = 0.01
    learning_rate: float = 1e-3
    clip: float = 1.0
    epochs: int = 20
    batch: int = 8
    seed: int = 42

    def __post_init__(self) -> None:
        self.state_: dict[str, Tensor] = {}

    def fit(
        self, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None = None
    ) -> Self:
        data = Thinkings.of(states, labels, groups)
        mean, scale = data.moments()
        X = (data.X - mean) / scale
        weight = torch.zeros(X.shape[-1], requires_grad=True)
        bias = torch.zeros((), requires_grad=True)
        optimiser = torch.optim.Adam([weight, bias], lr=self.learning_rate)
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.epochs):
            for rows in torch.split(torch.randperm(len(X), generator=generator), self.batch):
                optimiser.zero_grad()
                scores = _unroll(X[rows], weight, bias, self.eta)
                loss = ((scores - data.y[rows]) ** 2 * data.real[rows]).sum(1).mean()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_([weight, bias], self.clip)
                optimiser.step()
        weight, bias = weight.detach(), bias.detach()
        self.state_ = {"mean": mean, "scale": scale, "weight": weight, "bias": bias}
        return self

    def score(self, states: Tensor) -> Tensor:
        self._require_width(states)
        mean, scale, weight, bias = (part.to(states.device) for part in self.state().values())
        X = (states.float() - mean) / scale
        return _unroll(X[None], weight, bias, self.eta)[0]

    def state(self) -> dict[str, Tensor]:
        if not self.state_:
            raise self._unfitted()
        return {name: self.state_[name] for name in ("mean", "scale", "weight", "bias")}

    def restore(self, state: dict[str, Tensor]) -> None:
        width = [len(state["weight"])]
        require_shapes(state, {"mean": width, "scale": width, "weight": width, "bias": ()})
        self.state_ = dict(state)

    @property
    def width(self) -> int:
        return len(self.state()["weight"])


def _unroll(X: Tensor, weight: Tensor, bias: Tensor, eta: float) -> Tensor:
    """Read standardised ``X [n, c, d]`` step by step, learning on the way: scores ``[n, c]``."""
    fast = weight.expand(len(X), -1)
    scores = [X.new_zeros(len(X), 0)]
    for x in X.unbind(1):
        s = torch.sigmoid((fast * x).sum(-1, keepdim=True) + bias)
        fast = fast - eta * 2 * s * s * (1 - s) * x
        scores.append(s)
    return torch.cat(scores, 1)
