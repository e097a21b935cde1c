import math

import torch

from probexit.probes.linear import LinearHead
from probexit.probes.training_set import TrainingSet


def test_score_by_hand():
    head = LinearHead(
        mean=torch.tensor([1.0, 0]),
        scale=torch.tensor([2.0, 1]),
        weight=torch.tensor([1.0, -1]),
        bias=torch.tensor(0.5),
    )
    score = head.score(torch.tensor([5.0, 1]))  # (5 - 1) / 2 - 1 + 0.5 = 1.5
    assert math.isclose(score.item(), 1 / (1 + math.exp(-1.5)), rel_tol=1e-6)


def test_curve_along_a_direction_has_the_sign_of_the_labels():
    X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    y = (X[:, 0] > 0).long()
    direction = torch.tensor([-1.0, 0, 0])  # points away from the right cues
    head = LinearHead.along(direction, torch.ones(3), TrainingSet.of(X, y, None))
    assert head.weight[0] > 0
    assert ((head.score(X) > 0.5) == (y == 1)).float().mean() > 0.95


def test_direction_that_tells_nothing_scores_the_base_rate():
    X, y = torch.ones(8, 2), torch.tensor([1, 0, 0, 0] * 2)
    head = LinearHead.along(torch.tensor([1.0, 0]), torch.ones(2), TrainingSet.of(X, y, None))
    torch.testing.assert_close(head.score(X), torch.full([8], 0.25), rtol=0, atol=1e-3)


def test_head_moves_only_if_it_must():
    head = LinearHead(torch.zeros(2), torch.ones(2), torch.ones(2), torch.tensor(0.0))
    assert head.to(torch.device("cpu")) is head
    assert head.to(torch.device("meta")).weight.device.type == "meta"
