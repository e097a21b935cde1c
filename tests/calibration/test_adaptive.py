import math

import numpy as np
import pytest

from probexit.calibration.adaptive import Adaptive


def run(rule, scores, unsafe):
    """Average loss and share of exits over a stream of one score per problem."""
    lost, exits = 0.0, 0
    for score, bad in zip(scores, unsafe, strict=True):
        exited = score >= rule.threshold
        exits += exited
        lost += exited and bad
        rule.update(float(exited and bad))
    return lost / len(scores), exits / len(scores)


def test_by_hand():
    rule = Adaptive(alpha=0.25, start=0.5, step=0.4)
    assert rule.update(1.0) == pytest.approx(0.8)
    assert rule.update(0.0) == pytest.approx(0.7)
    assert rule.update(1.0) == pytest.approx(1.0)
    assert rule.update(1.0) == math.inf
    assert rule.update(0.0) == math.inf  # position 1.2
    for _ in range(2):
        rule.update(0.0)
    assert rule.threshold == pytest.approx(1.0)


def drifting(n):
    """Unsafe problems get ever larger scores and become ever more frequent."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, 1, n)
    unsafe = rng.random(n) < 0.2 + 0.5 * time
    return np.where(unsafe, 0.4 * rng.random(n) + 0.55 * time, rng.random(n)), unsafe


def test_average_loss_is_held_under_drift_where_a_fixed_threshold_fails():
    scores, unsafe = drifting(8000)
    rule = Adaptive(alpha=0.1, start=0.35)
    average, exits = run(rule, scores, unsafe)
    assert 0.08 < average <= 0.1 + rule.excess(8000)
    assert exits > 0.15
    fixed = unsafe & (scores >= 0.35)
    assert fixed[:2000].mean() < 0.1
    assert fixed.mean() > 0.25


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_holds_for_any_sequence(seed):
    """An adversary loses whenever the rule exits; the bound is a certainty, not a probability."""
    rng = np.random.default_rng(seed)
    rule = Adaptive(alpha=0.2, start=rng.random(), step=0.05)
    losses = []
    for t in range(1, 400):
        losses.append(float(rule.threshold < math.inf and rng.random() < 0.95))
        rule.update(losses[-1])
        assert np.mean(losses) <= 0.2 + rule.excess(t) + 1e-12


def test_the_bound_is_sharp():
    rule = Adaptive(alpha=0.2, start=1.0, step=0.05)
    assert rule.update(1.0) == math.inf
    assert rule.excess(1) == pytest.approx(1 - 0.2)


def test_audited_requests_count_by_the_inverse_of_their_share():
    rng = np.random.default_rng(0)
    rule = Adaptive(alpha=0.1, start=0.5, step=0.002, largest=4.0)
    lost = []
    for _ in range(20_000):
        unsafe, score, audited = rng.random() < 0.4, rng.random(), rng.random() < 0.25
        lost.append(float(score >= rule.threshold and unsafe))
        rule.update(4 * lost[-1] if audited else 0.0)
    assert np.mean(lost[2000:]) == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    ("settings", "message"), [({"alpha": 0.0}, "alpha"), ({"step": 0.0}, "step")]
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Adaptive(**settings)


@pytest.mark.parametrize("loss", [-0.1, 1.5, math.nan])
def test_bad_losses(loss):
    with pytest.raises(ValueError, match="loss"):
        Adaptive().update(loss)


def test_a_loss_without_an_exit_is_refused():
    with pytest.raises(ValueError, match="never exits"):
        Adaptive(start=2.0).update(1.0)
