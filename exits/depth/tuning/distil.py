"""Train heads to say what the last layer says, on any text; the model stays frozen."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.deciders.examples import Examples, record
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.heads.trained import TrainedHead
from probexit.hooks.layers import hidden_size, n_layers


@dataclass(frozen=True)
class Distillation:
    """Settings.

    Attributes:
        steps: Steps of Adam.
        batch: Tokens per step.
        rate: Learning rate, falling to 0 by a cosine.
        seed: Seed of the batches and initial weights.
    """

    steps: int = 300
    batch: int = 256
    rate: float = 1e-3
    seed: int = 0


def distil(
    model: Any,
    head: TrainedHead,
    texts: Sequence[Sequence[int]],
    layers: Sequence[int],
    settings: Distillation | None = None,
) -> list[float]:
    """Train ``head`` in place by the divergence KL(last layer || exit), averaged over ``layers``.

    Args:
        model: The full model, eval mode; its weights do not change.
        head: Gets new modules for ``layers``.
        texts: Token ids, unpadded.
        layers: Exit layers.
        settings: Settings of the training.

    Returns:
        The loss in nats at each step.
    """
    settings = settings or Distillation()
    last = n_layers(model) - 1
    plain = Readout(model, PlainHead())
    # The last layer's own states ride along as one more "exit".
    examples = record(model, plain, texts, [*layers, last])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        head.adopt(model)
        parameters = head.prepare(examples.layers[:-1], hidden_size(model))
        draw = (
            _WholeTexts(examples, head, plain) if head.attends else _Tokens(examples, head, plain)
        )
        losses = _train(draw, head, parameters, settings)
    for module in head.modules_.values():
        module.eval().requires_grad_(False)
    return losses


def _train(
    draw: "_Batches", head: TrainedHead, parameters: list[Any], settings: Distillation
) -> list[float]:
    for module in head.modules_.values():
        module.to(draw.examples.hidden.device)
    adam = torch.optim.Adam(parameters, lr=settings.rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    losses = []
    with torch.enable_grad():
        for _ in range(settings.steps):
            loss = draw.divergence(settings.batch)
            adam.zero_grad()
            loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
            adam.step()
            decay.step()
            losses.append(float(loss.detach()))
    return losses


class _Batches(ABC):
    """Draws recorded tokens and says how far the exits are from the last layer on them."""

    def __init__(self, examples: Examples, head: Any, plain: Readout) -> None:
        self.examples, self.head, self.plain = examples, head, plain

    @abstractmethod
    def draw(self, tokens: int) -> tuple[Tensor, Tensor]:
        """Return states ``[..., e, d]`` of about so many tokens, and which count, ``[...]``."""

    @abstractmethod
    def logits(self, hidden: Tensor, layer: int, counts: Tensor) -> Tensor:
        """Return the head's logits ``[n, V]`` of the states ``[..., d]`` that count."""

    def finish(self, hidden: Tensor) -> Tensor:
        """Return the model's logits ``[n, V]`` of states ``[n, d]`` before the final norm."""
        return self.plain.logits(hidden, self.examples.layers[-1])

    def divergence(self, tokens: int) -> Tensor:
        """Return KL(last layer || exit) per token, averaged over the exits."""
        hidden, counts = self.draw(tokens)
        exits = self.examples.layers[:-1]
        with torch.no_grad():
            target = self.finish(hidden[..., -1, :][counts]).log_softmax(-1)
        total = hidden.new_zeros(())
        for e, layer in enumerate(exits):
            guess = self.logits(hidden[..., e, :], layer, counts).log_softmax(-1)
            total = total + (target.exp() * (target - guess)).sum(-1).mean()
        return total / len(exits)


class _Tokens(_Batches):
    """Single tokens, whatever text they are of."""

    def draw(self, tokens: int) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.examples), (tokens,))
        # Recorded in inference mode: a clone may take part in a graph.
        hidden = self.examples.hidden[rows].float().clone()
        return hidden, torch.ones(tokens, dtype=torch.bool, device=hidden.device)

    def logits(self, hidden: Tensor, layer: int, counts: Tensor) -> Tensor:
        logits: Tensor = self.head.logits(hidden[counts], layer, self.finish)
        return logits.float()


class _WholeTexts(_Batches):
    """Whole texts, for heads that attend; padded on the right, where nothing attends to."""

    def draw(self, tokens: int) -> tuple[Tensor, Tensor]:
        texts = int(self.examples.groups.max()) + 1
        at_once = max(1, round(tokens * texts / len(self.examples)))
        chosen = torch.randint(texts, (at_once,)).tolist()
        parts = [self.examples.hidden[self.examples.groups == g].float().clone() for g in chosen]
        hidden = torch.nn.utils.rnn.pad_sequence(parts, True)
        lengths = torch.tensor([len(part) for part in parts], device=hidden.device)
        return hidden, torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]

    def logits(self, hidden: Tensor, layer: int, counts: Tensor) -> Tensor:
        return self.finish(self.head.over_text(hidden, layer)[counts])
