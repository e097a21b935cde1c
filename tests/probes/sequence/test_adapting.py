import math

import torch

from probexit.probes.sequence.adapting import Adapting


def made(eta: float) -> Adapting:
    """A probe of one feature that is standardised already, with weight 1 and bias 0."""
    probe = Adapting(eta=eta)
    zero, one = torch.zeros(1), torch.ones(1)
    probe.restore({"mean": zero, "scale": one, "weight": one, "bias": torch.tensor(0.0)})
    return probe


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_by_hand() -> None:
    # eta = .5, x = 2, then 1: s_1 = sigmoid(2); W_1 = 1 - .5 * 2 s^2 (1 - s) 2; s_2 = sigmoid(W_1)
    s = sigmoid(2.0)
    expected = [s, sigmoid(1 - 2 * s * s * (1 - s))]
    found = made(0.5).score(torch.tensor([[2.0], [1.0]]))
    torch.testing.assert_close(found, torch.tensor(expected))


def test_the_step_is_the_gradient_of_the_squared_score() -> None:
    weight = torch.tensor([1.0], requires_grad=True)
    x = torch.tensor([2.0])
    (torch.sigmoid(weight @ x) ** 2).backward()
    after = torch.sigmoid((weight.detach() - 0.5 * weight.grad) @ x)
    torch.testing.assert_close(made(0.5).score(torch.tensor([[2.0], [2.0]]))[1], after)


def test_what_is_seen_again_scores_lower() -> None:
    scores = made(0.1).score(torch.full((6, 1), 1.5))
    assert (scores.diff() < 0).all()


def test_without_updates_it_is_a_plain_probe() -> None:
    states = torch.tensor([[2.0], [1.0], [2.0]])
    torch.testing.assert_close(made(0.0).score(states), torch.sigmoid(states[:, 0]))


def test_the_start_is_learned_for_the_updates() -> None:
    """All steps look alike and are right: updates pull down, so the start must be higher."""
    states = [torch.full((8, 1), 1.0), torch.full((8, 1), -1.0)] * 50
    labels = [torch.ones(8), torch.zeros(8)] * 50
    slow, fast = (Adapting(eta=eta, epochs=20).fit(states, labels) for eta in (0.0, 0.3))
    assert fast.score(states[0])[0] > slow.score(states[0])[0]
