import numpy as np
import pytest

from probexit.calibration.statistics.bootstrap import bootstrap_ratio, paired_difference
from probexit.calibration.statistics.intervals import clopper_pearson
from probexit.experiments.evaluation.problems import Problems


@pytest.fixture
def traces(make_traces):
    return make_traces(80)


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    return rng.random(80), 1 + rng.random(80)


def same(a, b):
    found = [(a.estimate, b.estimate), (a.low, b.low), (a.high, b.high)]
    assert all(x == pytest.approx(y) for x, y in found)


def test_a_ratio_is_the_cluster_bootstrap(traces, columns):
    a, b = columns
    names = [trace.problem for trace in traces]
    same(Problems.among(traces).ratio(a, b), bootstrap_ratio(a, b, names))


def test_the_mean_of_a_difference_is_paired(traces, columns):
    a, b = columns
    names = [trace.problem for trace in traces]
    same(Problems.among(traces).mean(a - b), paired_difference(a, b, names))


def test_rollouts_of_a_problem_are_drawn_together(traces, columns):
    """Four copies of each trace tell no more than one."""
    a, b = columns
    one = Problems.among(traces).ratio(a, b)
    four = Problems.among(traces * 4).ratio(np.tile(a, 4), np.tile(b, 4))
    assert len(Problems.among(traces * 4)) == 80
    same(one, four)


def test_many_columns_at_once(traces, columns):
    a, b = columns
    problems = Problems.among(traces)
    band = problems.ratios(np.stack([a, b], 1), b)
    assert band.low[0] == pytest.approx(problems.ratio(a, b).low)
    assert (band.low[1], band.high[1]) == pytest.approx((1.0, 1.0))


def test_a_rate_of_nought_has_an_upper_bound(traces):
    same(Problems.among(traces).rate(np.zeros(80)), clopper_pearson(0, 80))


def test_a_rate_over_rollouts_is_bootstrapped(traces):
    of = np.tile(np.arange(80) % 2, 2)
    problems = Problems.among(traces * 2)
    same(problems.rate(of), problems.mean(of))


def test_nothing_to_divide_by_is_nan(traces):
    assert np.isnan(Problems.among(traces).ratio(np.ones(80), np.zeros(80)).estimate)


def test_no_traces():
    with pytest.raises(ValueError, match="record more"):
        Problems.among([])
