import math

import numpy as np
import pytest

from probexit.calibration.metrics.discrimination import auroc
from probexit.calibration.metrics.reliability import brier
from probexit.calibration.statistics.bootstrap import (
    Resampling,
    bootstrap,
    bootstrap_metric,
    bootstrap_ratio,
    paired_difference,
)

QUICK = Resampling(draws=200)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def width(interval) -> float:
    return interval.high - interval.low


def correlated_labels(rng, problems, cues):
    """Cues of a problem mostly agree; the true rate is one half."""
    rate = rng.beta(0.3, 0.3, size=problems)
    groups = np.repeat(np.arange(problems), cues)
    return (rng.random(problems * cues) < rate[groups]).astype(float), groups


def test_intervals_cover_the_truth_and_pretending_cues_are_independent_does_not(rng):
    trials, confidence = 300, 0.9
    by_problem = by_cue = 0
    for seed in range(trials):
        labels, groups = correlated_labels(rng, 60, 10)
        resampling = Resampling(draws=100, confidence=confidence, seed=seed)
        ones = np.ones_like(labels)
        by_problem += 0.5 in bootstrap_ratio(labels, ones, groups, resampling)
        by_cue += 0.5 in bootstrap_ratio(labels, ones, None, resampling)
    slack = 3 * math.sqrt(confidence * (1 - confidence) / trials)
    assert abs(by_problem / trials - confidence) < slack
    assert by_cue / trials < 0.7


def test_repeating_each_cue_changes_nothing_by_problem_and_misleads_by_cue(rng):
    scores, labels = rng.random(100), rng.integers(2, size=100)
    groups = np.repeat(np.arange(100), 9)
    once = bootstrap_metric(auroc, scores, labels, np.arange(100), QUICK)
    copies = bootstrap_metric(auroc, scores[groups], labels[groups], groups, QUICK)
    naive = bootstrap_metric(auroc, scores[groups], labels[groups], np.arange(900), QUICK)
    assert math.isclose(width(copies), width(once))
    assert 0.25 < width(naive) / width(once) < 0.42  # 1 / sqrt(9)


def test_normal_theory_agrees_on_a_mean(rng):
    values = rng.normal(size=2000)
    interval = bootstrap_ratio(values, np.ones(2000))
    assert math.isclose(interval.estimate, values.mean())
    assert abs(width(interval) / (2 * 1.96 / math.sqrt(2000)) - 1) < 0.1


def test_all_roads_lead_to_the_same_interval(rng):
    labels, groups = correlated_labels(rng, 30, 5)
    order, scores = rng.permutation(150), rng.random(150)
    labels, groups = labels[order], groups[order]
    errors = (scores - labels) ** 2
    general = bootstrap(lambda w: float(np.average(errors, weights=w)), groups, QUICK)
    by_metric = bootstrap_metric(brier, scores, labels, groups, QUICK)
    by_ratio = bootstrap_ratio(errors, np.ones(150), groups, QUICK)
    for other in (by_metric, by_ratio):
        assert math.isclose(general.estimate, other.estimate)
        assert math.isclose(general.low, other.low)
        assert math.isclose(general.high, other.high)


def test_pairing_removes_what_both_share(rng):
    difficulty = rng.normal(size=400)
    first, second = difficulty + 0.1 * rng.normal(size=(2, 400)) + [[0.05], [0.0]]
    paired = paired_difference(first, second)
    assert math.isclose(paired.estimate, first.mean() - second.mean())
    assert paired.low > 0
    assert width(paired) < 0.2 * width(bootstrap_ratio(first, np.ones(400)))


def test_rows_of_a_problem_weigh_by_their_number():
    assert bootstrap_ratio([1, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 1]).estimate == 0.25


def test_seed_repeats_and_higher_level_is_wider(rng):
    values, ones = rng.normal(size=50), np.ones(50)
    first, again, other = (
        bootstrap_ratio(values, ones, None, Resampling(seed=s)) for s in (0, 0, 1)
    )
    assert first == again != other
    assert width(bootstrap_ratio(values, ones, None, Resampling(confidence=0.99))) > width(first)


def test_undefined_draws_are_never_taken_for_evidence(rng):
    labels = np.zeros(400)
    labels[0] = 1  # in a third of the draws no cue is right
    rare = bootstrap_metric(auroc, rng.random(400), labels, np.arange(400), QUICK)
    assert math.isnan(rare.low)
    assert math.isnan(rare.high)
    assert 0 <= rare.estimate <= 1
    labels[:6] = 1  # in one of 400 draws
    assert not math.isnan(width(bootstrap_metric(auroc, rng.random(400), labels, np.arange(400))))


def test_undefined_estimate_gives_undefined_bounds():
    never = bootstrap_metric(auroc, [0.1, 0.2], [1, 1], [0, 1], QUICK)
    assert all(math.isnan(part) for part in (never.estimate, never.low, never.high))
    assert math.isnan(bootstrap_ratio([0.0], [0.0]).estimate)


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match="confidence"):
        Resampling(confidence=95)
    with pytest.raises(ValueError, match="draws"):
        Resampling(draws=0)
    with pytest.raises(ValueError, match="n > 0"):
        bootstrap_ratio([], [])
    with pytest.raises(ValueError, match="differ"):
        bootstrap_ratio([1, 2], [1, 2], [0])
    with pytest.raises(ValueError, match="differ"):
        bootstrap_metric(auroc, [0.1, 0.2], [1, 0], [0])
    with pytest.raises(ValueError, match="paired"):
        paired_difference([1, 2], [1])
