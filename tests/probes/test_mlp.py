import time

import pytest
import torch
from sklearn.metrics import log_loss, roc_auc_score

from probexit.probes.logistic import Logistic
from probexit.probes.mlp import MLP


def exclusive_or(seed):
    X = torch.randn(1000, 8, generator=torch.Generator().manual_seed(seed))
    return X, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).long()


def test_learns_what_no_direction_can():
    X, y = exclusive_or(1)
    assert roc_auc_score(y, MLP().fit(*exclusive_or(0)).score(X)) > 0.9
    assert roc_auc_score(y, Logistic().fit(*exclusive_or(0)).score(X)) < 0.6


def problems_to_learn_by_heart():
    """Labels that depend on the problem alone, at random: nothing here carries over to others."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(100).repeat_interleave(8)
    X = torch.randn(100, 64, generator=generator)[groups]
    X += 0.1 * torch.randn(X.shape, generator=generator)
    return X, torch.randint(2, (100,), generator=generator)[groups], groups


def test_hold_out_by_problem_stops_before_problems_are_learnt_by_heart():
    X, y, groups = problems_to_learn_by_heart()
    by_problem, by_cue = MLP().fit(X, y, groups).score(X), MLP().fit(X, y).score(X)
    assert log_loss(y, by_problem.double()) > 10 * log_loss(y, by_cue.double())


def test_the_best_epoch_is_kept_however_long_training_goes_on():
    X, y, groups = problems_to_learn_by_heart()
    short, long = (MLP(patience=p).fit(X, y, groups).score(X) for p in (3, 10))
    assert torch.equal(short, long)


def test_classes_weigh_the_same():
    generator = torch.Generator().manual_seed(0)
    X, y = torch.randn(2000, 4, generator=generator), (torch.arange(2000) % 10 == 0).long()
    assert abs(MLP().fit(X, y).score(X).mean() - 0.5) < 0.1  # the base rate is 0.1


def test_seed_and_penalty_matter():
    X, y = exclusive_or(0)
    scores = [probe.fit(X, y).score(X) for probe in (MLP(), MLP(seed=1), MLP(l2=100.0, epochs=20))]
    assert not torch.equal(scores[0], scores[1])
    assert scores[2].std() < 0.5 * scores[0].std()


@pytest.mark.parametrize("hidden", [(), (3,), (5, 4, 3)])
def test_any_depth(hidden, tmp_path):
    X, y = exclusive_or(0)
    probe = MLP(hidden=hidden, epochs=2).fit(X, y)
    probe.save(tmp_path)
    assert torch.equal(MLP.load(tmp_path).score(X), probe.score(X))


def test_one_problem_cannot_be_held_out():
    with pytest.raises(ValueError, match="1 problems"):
        MLP().fit(*exclusive_or(0), torch.zeros(1000))


@pytest.mark.slow
def test_four_thousand_cues_take_seconds():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(4000, 576, generator=generator)
    y = (X[:, :20].sum(1) > 0).long()
    start = time.perf_counter()
    MLP().fit(X, y)
    assert time.perf_counter() - start < 20


def test_alpha_above_one_says_right_more_often():
    generator = torch.Generator().manual_seed(0)
    y = (torch.rand(400, generator=generator) < 0.5).long()
    X = torch.randn(400, 4, generator=generator) + y[:, None]
    groups = torch.arange(400) // 4
    low, high = (MLP((), alpha=alpha).fit(X, y, groups).score(X).mean() for alpha in (0.3, 3.0))
    assert high > low + 0.1


def test_epochs_are_those_that_training_passes_through():
    """All are kept, apart from each other; a longer training begins like a shorter one."""
    X, y = exclusive_or(0)
    short, long = MLP().by_epochs(X, y, 2), MLP().by_epochs(X, y, 4)
    scores = [probe.score(X) for probe in long]
    assert len(long) == 4
    assert all(torch.equal(a.score(X), b) for a, b in zip(short, scores, strict=False))
    losses = [log_loss(y, s.double()) for s in scores]
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 4


def test_a_probe_that_is_not_trained_by_epochs_says_so():
    with pytest.raises(ValueError, match="Logistic is not trained by epochs"):
        Logistic().by_epochs(*exclusive_or(0), 3)
