"""An attention probe: one head that chooses which states of the thinking so far to read.

``a_t = softmax_t(q . x_t + b)`` over the states so far, ``logit = sum_t a_t (v . x_t + c)`` (arXiv
2603.05488, "Reasoning Theater"; settings read in a fork of its code).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from probexit.probes.early_stopping import EarlyStopping
from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sequence.training_set import Thinkings
from probexit.probes.splits import group_holdout
from probexit.probes.stored import require_shapes


@dataclass(frozen=True)
class AttentionHead:
    """What an attention probe keeps.

    Attributes:
        mean: ``[]`` mean of all values of all states: one number, as in the released code.
        scale: ``[]`` their standard deviation.
        query: ``[d]`` what is attended to.
        value: ``[d]`` what is read there.
        bias: ``[]`` the logit of a state of zeros.
    """

    mean: Tensor
    scale: Tensor
    query: Tensor
    value: Tensor
    bias: Tensor

    def logits(self, X: Tensor) -> Tensor:
        """Map thinkings ``[n, c, d]`` to the logit of each prefix, ``[n, c]``."""
        # products and sums: what a state gives does not depend on the states about it
        X = (X.float() - self.mean) / self.scale
        return prefix_pool((X * self.query).sum(-1), (X * self.value).sum(-1)) + self.bias


def prefix_pool(scores: Tensor, values: Tensor) -> Tensor:
    """Pool values by the softmax of scores over each prefix: ``[n, c]`` each to ``[n, c]``.

    Read step by step with the running maximum, so that no prefix loses its weights to a larger
    score that comes later, and what comes later changes no bit.
    """
    highest = scores.detach().cummax(1).values
    total, weight, found = torch.zeros_like(scores[:, 0]), torch.zeros_like(scores[:, 0]), []
    last = highest[:, 0]
    for score, value, top in zip(scores.T, values.T, highest.T, strict=True):
        kept, new = (last - top).exp(), (score - top).exp()
        total, weight, last = kept * total + new * value, kept * weight + new, top
        found.append(total / weight)
    return torch.stack(found, 1)


@dataclass
class AttentionProbe(SequenceProbe):
    """Attention pooling over the states so far; the epoch with the lowest hold-out loss is kept.

    The paper draws one prefix of random length of each thinking; here all prefixes count, the
    expectation of the same. It trains 10 epochs on many more thinkings. The head starts at zero,
    which is the mean of the states; the bias of the attention cancels in the softmax.

    Attributes:
        learning_rate: Learning rate of Adam.
        decay: Its weight decay.
        batch: Thinkings per step, at most.
        epochs: At most.
        patience: Epochs without a better hold-out after which training stops.
        holdout: Share of the problems held out.
        seed: Seed of hold-out and shuffling.
    """

    learning_rate: float = 5e-3
    decay: float = 1e-3
    batch: int = 64
    epochs: int = 200
    patience: int = 20
    holdout: float = 0.1
    seed: int = 42

    def __post_init__(self) -> None:
        self.head_: AttentionHead | None = None

    def fit(
        self, states: Sequence[Tensor], labels: Sequence[Tensor], groups: Tensor | None = None
    ) -> Self:
        data = Thinkings.of(states, labels, groups)
        held_out = group_holdout(data.groups, self.holdout, self.seed)
        self.head_ = self._train(data.take(~held_out), data.take(held_out))
        return self

    def score(self, states: Tensor) -> Tensor:
        self._require_width(states)
        if not len(states):
            return torch.empty(0, device=states.device)
        parts = {name: kept.to(states.device) for name, kept in self.state().items()}
        return torch.sigmoid(AttentionHead(**parts).logits(states[None])[0])

    def state(self) -> dict[str, Tensor]:
        head = self._head()
        return {f.name: getattr(head, f.name).cpu() for f in fields(head)}

    def restore(self, state: dict[str, Tensor]) -> None:
        width = [len(state["query"])]
        require_shapes(state, {"mean": (), "scale": (), "query": width, "value": width, "bias": ()})
        self.head_ = AttentionHead(**state)

    @property
    def width(self) -> int:
        return len(self._head().query)

    def _head(self) -> AttentionHead:
        if self.head_ is None:
            raise self._unfitted()
        return self.head_

    def _train(self, training: Thinkings, validation: Thinkings) -> AttentionHead:
        net = _Trained(training)
        optimiser = torch.optim.Adam(
            net.parameters(), lr=self.learning_rate, weight_decay=self.decay
        )
        stopping = EarlyStopping(self.patience)
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.epochs):
            order = torch.randperm(len(training.X), generator=generator)
            for rows in torch.split(order, self.batch):
                optimiser.zero_grad()
                net.loss(training.take(rows)).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            with torch.no_grad():
                if stopping.should_stop(net, float(net.loss(validation))):
                    break
        net.load_state_dict(stopping.best_state_)
        return net.head()


class _Trained(nn.Module):
    """The parameters of the head while they are trained."""

    def __init__(self, data: Thinkings) -> None:
        super().__init__()
        self.scale, self.mean = torch.std_mean(data.X[data.real])
        width = data.X.shape[-1]
        self.query, self.value = (nn.Parameter(torch.zeros(width)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(()))

    def head(self) -> AttentionHead:
        """Return the head as it stands."""
        parts = (self.query, self.value, self.bias)
        return AttentionHead(self.mean, self.scale, *(part.detach().clone() for part in parts))

    def loss(self, data: Thinkings) -> Tensor:
        """Return the mean log-loss over all prefixes."""
        head = AttentionHead(self.mean, self.scale, self.query, self.value, self.bias)
        logits = head.logits(data.X)
        return binary_cross_entropy_with_logits(logits[data.real], data.y[data.real])
