import math

import pytest

from probexit.calibration import sample_size
from probexit.calibration.split_conformal import SplitConformal
from probexit.calibration.statistics.bounds import binomial_p


@pytest.mark.parametrize(
    ("alpha", "delta", "smallest", "of_500", "of_1000"),
    [
        (0.10, 0.10, 22, 40, 87),
        (0.05, 0.10, 45, 18, 40),
        (0.05, 0.05, 59, 16, 38),
        (0.03, 0.10, 76, 9, 22),
        (0.02, 0.10, 114, 5, 13),
        (0.01, 0.10, 230, 1, 5),
        (0.01, 0.05, 299, 1, 4),
    ],
)
def test_golden_table(alpha, delta, smallest, of_500, of_1000):
    assert sample_size.smallest_sample(alpha, delta) == smallest
    assert sample_size.problems_needed(alpha, delta) == smallest
    assert sample_size.allowed_failures(500, alpha, delta) == of_500
    assert sample_size.allowed_failures(1000, alpha, delta) == of_1000


@pytest.mark.parametrize("failures", [0, 1, 5, 40])
def test_smallest_sample_is_smallest(failures):
    n = sample_size.smallest_sample(0.05, 0.1, failures)
    assert binomial_p(failures, n, 0.05) <= 0.1 < binomial_p(failures, n - 1, 0.05)
    assert sample_size.allowed_failures(n, 0.05, 0.1) == failures


def test_too_few_problems_allow_no_failure_count():
    assert sample_size.allowed_failures(21, 0.1, 0.1) == -1
    assert sample_size.allowed_failures(22, 0.1, 0.1) == 0


def test_certified_risk_is_what_the_count_certifies():
    assert sample_size.certified_risk(5, 100, 0.1) == pytest.approx(0.0907715, rel=1e-5)
    with pytest.raises(ValueError, match="failures"):
        sample_size.certified_risk(7, 5, 0.1)


def test_problems_needed_grow_with_the_rate_until_nothing_helps():
    needed = [sample_size.problems_needed(0.05, 0.1, rate) for rate in (0.0, 0.02, 0.04)]
    assert needed == sorted(needed)
    assert sample_size.problems_needed(0.05, 0.1, 0.05) == math.inf
    with pytest.raises(ValueError, match="rate"):
        sample_size.problems_needed(0.05, 0.1, 1.5)


def test_each_calibrator_answers_for_itself():
    assert sample_size.problems_for(SplitConformal(0.1), 0.0) == 9
    assert sample_size.problems_for(SplitConformal(0.1), 0.05) < sample_size.problems_needed(
        0.1, 0.1, 0.05
    )


def test_a_step_is_where_one_more_may_lose():
    for failures, n in enumerate(sample_size.steps(0.05, 0.1, 4)):
        assert sample_size.allowed_failures(n, 0.05, 0.1) == failures
        assert sample_size.allowed_failures(n - 1, 0.05, 0.1) == failures - 1
