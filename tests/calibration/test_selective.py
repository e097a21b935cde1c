"""Answering at a risk: the promise holds, and the sequence is walked as it must be."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from probexit.calibration.selective import SelectiveRisk
from probexit.calibration.statistics.bounds import hoeffding_bentkus_p


def problems(n, seed):
    """Confidences, and answers that are wrong the more often the smaller these are."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(n)
    return confidence, rng.random(n) < 0.5 * (1 - confidence)


def risk_above(threshold):
    """The share of wrong answers among those of at least this confidence."""
    return 0.25 * (1 - threshold)


def test_p_values_by_hand():
    rule = SelectiveRisk(alpha=0.2)
    found = rule.p_values([0.9, 0.8, 0.7, 0.1], [False, True, False, True], [0.95, 0.75, 0.5])
    assert found == pytest.approx([1.0, 0.8**2 + 2 * 0.2 * 0.8, 0.8**3 + 3 * 0.2 * 0.8**2])


def test_an_answer_is_given_at_the_threshold_itself():
    certificate = SelectiveRisk(0.2, 0.2).certify([0.5] * 10, [False] * 10, np.array([0.5]))
    assert certificate.threshold == 0.5


def test_the_laxest_before_the_first_failure_not_the_first_that_fails():
    # ten right answers a step down to .6, then ten wrong ones, then many right ones
    sure = np.repeat([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [10, 10, 10, 10, 10, 500])
    wrong = np.repeat([False, False, False, False, True, False], [10, 10, 10, 10, 10, 500])
    order = np.array([0.7, 0.6, 0.5, 0.4])
    rule = SelectiveRisk(0.1, 0.1)
    assert (rule.p_values(sure, wrong, order) <= 0.1).tolist() == [True, True, False, True]
    certificate = rule.certify(sure, wrong, order)
    assert certificate.threshold == 0.6
    assert (certificate.losses, certificate.n) == (0, 550)
    assert "0 of the 40 answers given to 550 calibration problems" in certificate.statement


def test_the_order_begins_where_the_evidence_is_and_goes_on_to_the_lax():
    sure, wrong = problems(4000, 0)
    rule = SelectiveRisk(alpha=0.15)
    order = rule.order(sure, wrong)
    assert (np.diff(order) < 0).all()
    p = rule.p_values(sure, wrong, np.unique(sure))
    assert p.min() == pytest.approx(rule.p_values(sure, wrong, order[:1])[0], abs=1e-6)
    assert order[0] < 0.99  # the strictest confidence answers one problem
    assert order[-1] == sure.min()


def test_the_promise_holds_and_is_not_empty():
    """500 calibration sets: more than alpha of the answers wrong in at most a share delta."""
    alpha, delta, runs = 0.15, 0.1, 500
    rule = SelectiveRisk(alpha, delta)
    order = rule.order(*problems(400, 10_000))
    found = [rule.certify(*problems(300, seed), order).threshold for seed in range(runs)]
    broken = sum(risk_above(t) > alpha for t in found if t < math.inf)
    assert broken <= binom.ppf(0.999, runs, delta)
    certified = [t for t in found if t < math.inf]
    assert len(certified) > 0.8 * runs
    assert 0.4 < np.median(certified) < 0.6  # at .4 just alpha of the answers are wrong


def test_without_a_test_it_breaks():
    """The positive control: the laxest threshold that looks right on the same problems."""
    broken = 0
    for seed in range(200):
        sure, wrong = problems(300, seed)
        good = [t for t in np.unique(sure) if wrong[sure >= t].mean() <= 0.15]
        broken += risk_above(min(good)) > 0.15
    assert broken > 60


def test_sharper_than_a_bounded_mean():
    """The other valid test, of 1[wrong and answered] - alpha 1[answered], shifted into [0, 1]."""
    sure, wrong = problems(400, 3)
    rule = SelectiveRisk(0.15)
    order = rule.order(*problems(400, 4))
    answered = sure[:, None] >= order
    losses = (wrong[:, None] & answered) - 0.15 * answered + 0.15
    mean = hoeffding_bentkus_p(losses.sum(0), 400, 0.15)
    assert (rule.p_values(sure, wrong, order) <= mean + 1e-12).all()


def test_nothing_certified_abstains_and_says_what_it_would_take():
    rule = SelectiveRisk(0.05, 0.1)
    few = rule.certify([0.9] * 20, [False] * 20, np.array([0.9]))
    assert few.threshold == math.inf
    assert 44 <= few.problems <= 47  # 45: the least n with .95 ** n <= .1
    assert "abstain from every answer" in few.statement
    bad = rule.certify([0.9] * 20, [True] * 20, np.array([0.9]))
    assert bad.problems == math.inf
    assert "More problems will not help" in bad.statement


def test_no_answers_at_all():
    rule = SelectiveRisk()
    assert len(rule.order([0.0, 0.0], [True, True])) == 0
    assert rule.certify([0.0], [True], np.array([])).threshold == math.inf
    assert rule.certify([], [], np.array([0.5])).threshold == math.inf


@pytest.mark.parametrize(
    ("confidences", "message"), [([0.5], "must both be"), ([np.nan, 0.5], "NaN")]
)
def test_bad_input_is_refused(confidences, message):
    with pytest.raises(ValueError, match=message):
        SelectiveRisk().p_values(confidences, [True, False], [0.5])


def test_levels_outside_are_refused():
    with pytest.raises(ValueError, match="delta"):
        SelectiveRisk(0.1, 1.0)
