import math

import numpy as np
import pytest
from scipy.stats import binom

from probexit.calibration.statistics.intervals import (
    Interval,
    clopper_pearson,
    paired_change,
    wilson,
)

RATES = pytest.mark.parametrize("method", [clopper_pearson, wilson])


def coverage(method, n: int, rate: float, confidence: float) -> float:
    return sum(binom.pmf(k, n, rate) for k in range(n + 1) if rate in method(k, n, confidence))


def test_published_values():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 15 of 148.
    for method, k, n, low, high in [
        (clopper_pearson, 81, 263, 0.2527, 0.3676),
        (clopper_pearson, 15, 148, 0.0578, 0.1617),
        (wilson, 81, 263, 0.2553, 0.3662),
        (wilson, 15, 148, 0.0624, 0.1605),
    ]:
        interval = method(k, n)
        assert math.isclose(interval.low, low, abs_tol=5e-5)
        assert math.isclose(interval.high, high, abs_tol=5e-5)


def test_exact_interval_covers_at_every_rate_and_wilson_on_average():
    rates = [k / 50 for k in range(1, 50)]
    assert min(coverage(clopper_pearson, 40, rate, 0.9) for rate in rates) >= 0.9
    by_score = [coverage(wilson, 40, rate, 0.9) for rate in rates]
    assert min(by_score) < 0.9
    assert abs(sum(by_score) / len(by_score) - 0.9) < 0.015


@RATES
def test_ends_of_the_scale_and_symmetry(method):
    nothing, everything = method(0, 30), method(30, 30)
    assert nothing.low == 0 < nothing.high
    assert everything.high == 1 > everything.low
    assert math.isclose(nothing.high, 1 - everything.low)


@RATES
@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(1, 0, 0.9), (-1, 5, 0.9), (6, 5, 0.9), (1, 5, 0), (1, 5, 1)]
)
def test_impossible_counts_and_confidences_are_refused(method, k, n, confidence):
    with pytest.raises(ValueError, match=r"need|confidence"):
        method(k, n, confidence)


def test_interval_prints_and_contains():
    interval = Interval(0.5, 0.25, 0.75)
    assert str(interval) == "0.500 [0.250, 0.750]"
    assert f"{interval:.0%}" == "50% [25%, 75%]"
    assert 0.25 in interval
    assert 0.76 not in interval
    assert 0.5 not in Interval(0.5, float("nan"), 0.75)


def test_no_change_seen_is_no_certainty_of_none():
    found = paired_change(0, 0, 40)
    assert found.estimate == 0
    assert found.low == -found.high < -0.05


@pytest.mark.parametrize(("up", "down"), [(0.05, 0.05), (0.0, 0.02), (0.3, 0.1)])
def test_a_paired_change_covers(up, down):
    drawn = np.random.default_rng(0).multinomial(50, [up, down, 1 - up - down], size=500)
    covered = [(up - down) in paired_change(int(a), int(b), 50) for a, b, _ in drawn]
    assert np.mean(covered) >= 0.95
