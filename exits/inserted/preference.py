"""Teach the stream which of two responses is better; the model stays frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from probexit.exits.inserted.reader import RewardReader
from probexit.exits.inserted.stream import RewardStream


@dataclass(frozen=True)
class Pair:
    """Two responses to one prompt, token ids with the prompt in front.

    Attributes:
        better: The one to be preferred.
        worse: The other.
    """

    better: Sequence[int]
    worse: Sequence[int]


@dataclass(frozen=True)
class PreferenceTraining:
    """Settings.

    Attributes:
        steps: Steps of Adam.
        batch: Pairs per step.
        rate: Learning rate.
        seed: Seed of the batches.
    """

    steps: int = 100
    batch: int = 8
    rate: float = 2e-3
    seed: int = 0


def learn_preferences(
    model: Any, stream: RewardStream, pairs: Sequence[Pair], settings: PreferenceTraining
) -> list[float]:
    """Train a stream in place by ``-log sigmoid(r(better) - r(worse))`` on whole responses.

    The reward of a response is that at its last token. Arguments: the frozen model, the stream, at
    least one pair, and settings.

    Returns:
        The loss in nats at each step.

    Raises:
        ValueError: without pairs.
    """
    if not pairs:
        raise ValueError("no pair of a better and a worse response to learn from")
    drawn = torch.Generator().manual_seed(settings.seed)
    adam = torch.optim.Adam(stream.parameters(), lr=settings.rate)
    losses = []
    with RewardReader(model, stream) as reader, torch.enable_grad():
        for _ in range(settings.steps):
            chosen = torch.randint(len(pairs), (settings.batch,), generator=drawn).tolist()
            texts = [pairs[i].better for i in chosen] + [pairs[i].worse for i in chosen]
            better, worse = response_rewards(reader, texts).chunk(2)
            loss = -functional.logsigmoid(better - worse).mean()
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            losses.append(float(loss.detach()))
    return losses


def response_rewards(reader: RewardReader, texts: Sequence[Sequence[int]]) -> Tensor:
    """Return the reward at the last token of each text, ``[n]``; padded on the right."""
    device = reader.model.device
    rows = [torch.tensor(list(text), device=device) for text in texts]
    _, rewards = reader.run(torch.nn.utils.rnn.pad_sequence(rows, True))
    last = torch.tensor([len(row) - 1 for row in rows], device=device)
    return rewards.gather(1, last[:, None])[:, 0]
