import torch
from sklearn.metrics import roc_auc_score

from probexit.probes.logistic import Logistic
from probexit.probes.random_direction import RandomDirection


def one_informative_feature_in_256(seed):
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(800) % 2
    X = torch.randn(800, 256, generator=generator)
    X[:, 9] += 6 * y
    return X, y


def test_it_is_a_floor_that_a_learner_clears():
    (X, y), (held_X, held_y) = (one_informative_feature_in_256(seed) for seed in (0, 1))
    floor = RandomDirection().fit(X, y).score(held_X)
    learnt = Logistic().fit(X, y).score(held_X)
    assert roc_auc_score(held_y, floor) < 0.75
    assert roc_auc_score(held_y, learnt) > 0.98


def test_direction_comes_from_the_seed_and_its_sign_from_the_labels():
    X, y = one_informative_feature_in_256(0)
    weights = [RandomDirection().fit(X, labels).state()["weight"] for labels in (y, 1 - y)]
    torch.testing.assert_close(weights[0], -weights[1])
    other = RandomDirection(seed=1).fit(X, y).state()["weight"]
    assert torch.cosine_similarity(weights[0], other, dim=0).abs() < 0.3
