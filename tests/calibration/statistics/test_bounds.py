import math
from fractions import Fraction

import numpy as np
import pytest
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

from probexit.calibration.statistics import bounds

STEPS = [Fraction(i, 100) for i in range(1, 100)]


@pytest.mark.parametrize(
    ("n", "alpha", "k"),
    [(9, 0.1, 9), (10, 0.1, 10), (99, 0.03, 97), (33, 0.03, 33), (32, 0.03, 33), (1000, 0.1, 901)],
)
def test_rank_golden(n, alpha, k):
    assert bounds.rank(n, alpha) == k


def test_rank_is_exact_where_floating_point_is_not():
    wrong = 0
    for n in range(1, 400):
        for alpha in STEPS:
            truth = math.ceil((n + 1) * (1 - alpha))
            assert bounds.rank(n, float(alpha)) == truth
            wrong += math.ceil((n + 1) * (1 - float(alpha))) != truth
    assert wrong > 100  # the naive formula does fail here, so this grid can tell


@pytest.mark.parametrize(
    ("k", "n", "alpha", "p"),
    [
        (40, 500, 0.1, 0.0750893),
        (87, 1000, 0.1, 0.0919292),
        (88, 1000, 0.1, 0.111323),
        (0, 100, 0.05, 0.00592053),
        (0, 300, 0.01, 0.0490409),
    ],
)
def test_binomial_golden(k, n, alpha, p):
    assert bounds.binomial_p(k, n, alpha) == pytest.approx(p, rel=1e-5)


def test_binomial_is_the_exact_sum():
    for n in (1, 7, 40):
        for alpha in (Fraction(1, 20), Fraction(1, 3)):
            terms = [math.comb(n, i) * alpha**i * (1 - alpha) ** (n - i) for i in range(n + 1)]
            sums = [float(sum(terms[: k + 1])) for k in range(n + 1)]
            np.testing.assert_allclose(
                bounds.binomial_p(np.arange(n + 1), n, float(alpha)), sums, rtol=1e-12
            )


@pytest.mark.parametrize(
    ("n", "mean", "p"), [(100, 0.05, 0.15651), (500, 0.04, 1.23885e-6), (500, 0.08, 0.204114)]
)
def test_hoeffding_bentkus_golden(n, mean, p):
    assert bounds.hoeffding_bentkus_p(n * mean, n, 0.1) == pytest.approx(p, rel=1e-5)


def test_hoeffding_bentkus_agrees_with_mapie():
    totals = np.arange(0, 129) / 2.0  # n is a power of two, so MAPIE's n * mean does not round
    theirs = compute_hoeffding_bentkus_p_value(totals / 128, 128, 0.2)[:, 0]
    np.testing.assert_allclose(
        bounds.hoeffding_bentkus_p(totals, 128, 0.2), np.minimum(theirs, 1), rtol=1e-9
    )


def test_hoeffding_bentkus_forgives_the_rounding_of_a_sum():
    noisy = sum([0.1] * 3) * 10  # 3.0000000000000004
    assert noisy > 3
    assert bounds.hoeffding_bentkus_p(noisy, 50, 0.2) == bounds.hoeffding_bentkus_p(3, 50, 0.2)


@pytest.mark.parametrize(
    ("k", "n", "clopper", "hoeffding"),
    [
        (0, 100, 0.0227628, 0.1072983),
        (5, 100, 0.0907715, 0.1572983),
        (20, 500, 0.0537074, 0.0879853),
    ],
)
def test_upper_bounds_golden(k, n, clopper, hoeffding):
    assert bounds.clopper_pearson_upper(k, n, 0.1) == pytest.approx(clopper, rel=1e-5)
    assert bounds.hoeffding_upper(k, n, 0.1) == pytest.approx(hoeffding, rel=1e-5)


def test_upper_bounds_when_everything_is_lost():
    assert bounds.clopper_pearson_upper(5, 5, 0.1) == 1
    assert bounds.hoeffding_upper(5, 5, 0.1) == 1
    assert bounds.betting_upper(np.ones(5), 0.1) == 1


def test_betting_golden():
    sparse = np.zeros(200)
    sparse[::20] = 1
    assert bounds.betting_upper(sparse, 0.1) == pytest.approx(0.0965171, rel=1e-5)
    assert bounds.betting_upper(sparse, 0.05) == pytest.approx(0.1068167, rel=1e-5)
    assert bounds.betting_upper(np.zeros(200), 0.1) == pytest.approx(0.0118780, rel=1e-5)


def test_clopper_pearson_inverts_the_binomial_test():
    upper = float(bounds.clopper_pearson_upper(3, 80, 0.1))
    assert bounds.binomial_p(3, 80, upper) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("n", "alpha", "k"), [(100, 0.1, 95), (500, 0.1, 460), (1000, 0.1, 913), (100, 0.01, 101)]
)
def test_tolerance_golden(n, alpha, k):
    assert bounds.tolerance_rank(n, alpha, 0.1) == k


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_levels_outside_are_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        bounds.rank(10, alpha)
