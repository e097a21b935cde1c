"""The attention probe by hand, and that attending is what makes it work."""

import pytest
import torch

from probexit.probes.sequence.attention import AttentionHead, AttentionProbe, prefix_pool


def test_prefixes_by_hand() -> None:
    """q = (1, 0), V = 2 I: weights of the last prefix .422319, .155362, .422319."""
    X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    scores = X[:, 0].expand(2, -1)
    first, second = prefix_pool(scores, 2 * X.T).tolist()
    assert first == pytest.approx([2, 1.462117, 1.689275], abs=1e-6)
    assert second == pytest.approx([0, 0.537883, 1.155362], abs=1e-6)


def test_a_later_larger_score_does_not_empty_an_earlier_prefix() -> None:
    assert prefix_pool(torch.tensor([[-600.0, 0.0]]), torch.tensor([[3.0, 5.0]])).tolist() == [
        [3, 5]
    ]


def needles(n: int, seed: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """One state in many says whether the thinking is right; the first coordinate marks it."""
    generator = torch.Generator().manual_seed(seed)
    states, labels = [], []
    for i in range(n):
        X = torch.randn(12, 4, generator=generator)
        X[:, 0] = 0.0
        X[0] = torch.tensor([6.0, 3.0 if i % 2 else -3.0, 0, 0])
        states.append(X)
        labels.append(torch.full((12,), float(i % 2)))
    return states, labels


def test_it_finds_the_state_that_tells() -> None:
    """With the query taken out, the mean of the states, it no longer tells the last prefix."""
    probe = AttentionProbe().fit(*needles(200, 0))
    unseen, labels = needles(100, 1)
    right = torch.tensor([bool(y[0]) for y in labels])
    parts = probe.state()
    mean = AttentionHead(**{**parts, "query": torch.zeros(4)})

    def accuracy(logits: torch.Tensor) -> float:
        return float(((logits > 0) == right).float().mean())

    attended = accuracy(AttentionHead(**parts).logits(torch.stack(unseen))[:, -1])
    assert attended > 0.97
    assert accuracy(mean.logits(torch.stack(unseen))[:, -1]) < attended - 0.05
