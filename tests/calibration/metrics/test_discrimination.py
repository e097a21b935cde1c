import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from probexit.calibration.metrics.discrimination import (
    auroc,
    pr_auc,
    problem_pairs,
    within_problem_auroc,
)

RNG = np.random.default_rng(0)
N = 120
SCORES = RNG.integers(8, size=N) / 8  # many ties
LABELS = RNG.integers(2, size=N)
GROUPS = RNG.integers(12, size=N)
COUNTS = RNG.integers(4, size=N)


def pairs_won(scores, labels):
    right, wrong = scores[labels == 1], scores[labels == 0]
    won = sum((r > w) + 0.5 * (r == w) for r in right for w in wrong)
    return won, len(right) * len(wrong)


def test_auroc_is_the_share_of_pairs_won():
    won, pairs = pairs_won(SCORES, LABELS)
    assert math.isclose(auroc(SCORES, LABELS), won / pairs)
    assert math.isclose(auroc(SCORES, LABELS), roc_auc_score(LABELS, SCORES))


def test_pr_auc_is_the_average_precision():
    assert math.isclose(pr_auc(SCORES, LABELS), average_precision_score(LABELS, SCORES))
    assert pr_auc([0.9, 0.8, 0.1], [1, 0, 1]) == 0.5 * 1 + 0.5 * 2 / 3


@pytest.mark.parametrize("metric", [auroc, pr_auc])
def test_a_weight_is_a_repetition(metric):
    repeated = metric(np.repeat(SCORES, COUNTS), np.repeat(LABELS, COUNTS))
    assert math.isclose(metric(SCORES, LABELS, COUNTS), repeated)


@pytest.mark.parametrize("metric", [auroc, pr_auc])
def test_order_and_increasing_maps_do_not_matter(metric):
    order = RNG.permutation(N)
    assert math.isclose(metric(SCORES[order] ** 3 - 7, LABELS[order]), metric(SCORES, LABELS))


@pytest.mark.parametrize("metric", [auroc, pr_auc])
@pytest.mark.parametrize("label", [0, 1])
def test_a_missing_class_leaves_a_ranking_undefined(metric, label):
    assert math.isnan(metric([0.1, 0.9], [label, label]))
    assert math.isnan(metric([0.1, 0.9], [0, 1], [label, 1 - label]))  # missing by its weight


def test_within_problem_is_the_share_of_pairs_of_one_problem_won():
    won = [pairs_won(SCORES[g == GROUPS], LABELS[g == GROUPS]) for g in range(12)]
    wins, pairs = problem_pairs(SCORES, LABELS, GROUPS)
    assert wins.tolist() == [w for w, _ in won]
    assert pairs.tolist() == [p for _, p in won]
    assert math.isclose(within_problem_auroc(SCORES, LABELS, GROUPS), sum(wins) / sum(pairs))


def test_within_problem_is_the_pair_weighted_mean_of_aurocs():
    scores, labels, groups = [0.1, 0.9, 0.2, 0.8, 0.7], [0, 1, 0, 1, 0], [0, 0, 1, 1, 1]
    assert within_problem_auroc(scores, labels, groups) == 1.0
    scores[2] = 0.8  # problem 1: one pair of two tied; problem 0: its one pair won
    assert math.isclose(within_problem_auroc(scores, labels, groups), (1 * 1 + 2 * 0.75) / 3)


def test_a_score_that_knows_only_the_problem_is_exposed():
    rng = np.random.default_rng(1)
    ease = rng.random(200)
    groups = np.repeat(np.arange(200), 10)
    labels = (rng.random(2000) < ease[groups]).astype(int)
    assert auroc(ease[groups], labels) > 0.75
    assert within_problem_auroc(ease[groups], labels, groups) == 0.5


def test_a_single_problem_makes_them_equal_and_none_with_both_classes_nan():
    assert within_problem_auroc(SCORES, LABELS, np.zeros(N)) == auroc(SCORES, LABELS)
    assert math.isnan(within_problem_auroc(SCORES, LABELS, LABELS))
