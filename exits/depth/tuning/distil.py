"""Train heads to say what the last layer says, on any text; the model stays frozen."""

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
        parameters = head.prepare(examples.layers[:-1], hidden_size(model))
        losses = _train(examples, head, Readout(model, head), parameters, settings)
    for module in head.modules_.values():
        module.eval().requires_grad_(False)
    return losses


def _train(
    examples: Examples,
    head: TrainedHead,
    readout: Readout,
    parameters: list[Any],
    settings: Distillation,
) -> list[float]:
    for module in head.modules_.values():
        module.to(examples.hidden.device)
    adam = torch.optim.Adam(parameters, lr=settings.rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    losses = []
    with torch.enable_grad():
        for _ in range(settings.steps):
            rows = torch.randint(len(examples), (settings.batch,))
            loss = _divergence(examples, readout, rows)
            adam.zero_grad()
            loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
            adam.step()
            decay.step()
            losses.append(float(loss.detach()))
    return losses


def _divergence(examples: Examples, readout: Readout, rows: Tensor) -> Tensor:
    # Recorded in inference mode: a clone may take part in a graph.
    hidden = examples.hidden[rows].float().clone()
    with torch.no_grad():
        target = readout.logits(hidden[:, -1], examples.layers[-1]).log_softmax(-1)
    total = hidden.new_zeros(())
    for e, layer in enumerate(examples.layers[:-1]):
        guess = readout.logits(hidden[:, e], layer).log_softmax(-1)
        total = total + (target.exp() * (target - guess)).sum(-1).mean()
    return total / (len(examples.layers) - 1)
