"""SpecDec++: how likely the full model is to accept a draft, told from the draft's own state."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.fitted import by_layer, joined

WARM_UP = 0.03


@dataclass
class Acceptance(Decider):
    """Probability that the token just *read* is accepted, if it was drafted (arXiv 2405.19715).

    The head and its training are those of the released code (@9c52edc): one block ``x + SiLU(W x
    + b)``, applied ``blocks`` times with the same weights, and a linear map to two logits; weighted
    cross-entropy, in which a rejected draft counts ``weight`` times. What it reads is the state at
    the exit, brought to a mean square of 1; the paper's draft is a model of its own, whose last
    state has gone through its final norm.

    Attributes:
        blocks: How many times the block is applied.
        weight: Of rejections.
        steps: Steps of Adam; the paper makes three passes over 40,000 conversations.
        batch: Tokens per step.
        rate: Learning rate, falling to 0 by a cosine after a warm-up.
        seed: Seed of initial weights and shuffling.
    """

    blocks: int = 3
    weight: float = 6.0
    steps: int = 600
    batch: int = 64
    rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        self.heads_: dict[int, _AcceptanceHead] = {}

    def score(self, look: LayerView) -> Tensor:
        if look.layer not in self.heads_:
            raise self._unfitted(look.layer)
        head = self.heads_[look.layer].to(look.hidden.device)
        with torch.no_grad():
            told: Tensor = head(look.hidden)
        return told.exp()[:, 1]

    def fit(self, examples: Examples) -> Self:
        """Learn from texts as they stand: greedy verification accepts the full model's token.

        ``tuning/draft_labels.py`` makes the paper's examples, from which ``learn`` learns.
        """
        follows = examples.groups[1:] == examples.groups[:-1]
        accepted = (examples.gold == examples.final)[:-1][follows].float()
        for e, layer in enumerate(examples.layers):
            self.learn(layer, examples.hidden[1:, e][follows], accepted)
        return self

    def learn(self, layer: int, states: Tensor, accepted: Tensor) -> Self:
        """Train the head of one exit.

        Args:
            layer: The exit.
            states: ``[n, d]`` after it, at tokens that were drafted.
            accepted: ``[n]`` probability that verification accepts each.
        """
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.manual_seed(self.seed)
            head = _AcceptanceHead(states.shape[-1], self.blocks).to(states.device)
            # Recorded in inference mode: clones may take part in a graph.
            self._train(head, states.float().clone(), accepted.float().clone())
        self.heads_[layer] = head.eval().requires_grad_(False)
        return self

    def _train(self, head: nn.Module, states: Tensor, accepted: Tensor) -> None:
        adam = torch.optim.Adam(head.parameters(), lr=self.rate)
        decay = torch.optim.lr_scheduler.OneCycleLR(
            adam, self.rate, self.steps, pct_start=WARM_UP, cycle_momentum=False
        )
        for _ in range(self.steps):
            rows = torch.randint(len(states), (self.batch,))
            loss = weighted_loss(head(states[rows]), accepted[rows], self.weight)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            decay.step()

    def state(self) -> dict[str, Tensor]:
        states = {layer: head.state_dict() for layer, head in self.heads_.items()}
        return {name: tensor.cpu() for name, tensor in joined(states).items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.heads_ = {}
        for layer, own in by_layer(state).items():
            with torch.device("meta"):  # no memory before the tensors are known to fit
                head = _AcceptanceHead(len(own["block.bias"]), self.blocks)
            head.load_state_dict(own, assign=True)
            self.heads_[layer] = head.eval().requires_grad_(False)


class _AcceptanceHead(nn.Module):
    """Log-probabilities ``[n, 2]`` of rejection and acceptance from states ``[n, d]``."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.block = nn.Linear(width, width)
        self.verdict = nn.Linear(width, 2)

    def forward(self, hidden: Tensor) -> Tensor:
        x = functional.rms_norm(hidden.float(), hidden.shape[-1:])
        for _ in range(self.blocks):
            x = x + functional.silu(self.block(x))
        told: Tensor = self.verdict(x)
        return told.log_softmax(-1)


def weighted_loss(told: Tensor, accepted: Tensor, weight: float) -> Tensor:
    """Return the weighted cross-entropy in nats, divided by the sum of its weights.

    ``sum(w (1 - a) (-log p_rejected) + a (-log p_accepted)) / sum(w (1 - a) + a)``.

    Args:
        told: ``[n, 2]`` log-probabilities of rejection and acceptance.
        accepted: ``[n]`` the share ``a`` of acceptance, in [0, 1].
        weight: ``w`` of rejections.
    """
    weights = torch.stack([weight * (1 - accepted), accepted], -1)
    return -(weights * told).sum() / weights.sum()
