import numpy as np
import pytest

from probexit.calibration.conformal_risk import ConformalRisk
from probexit.calibration.weighted import WeightedConformal, density_ratio

ALPHA, GRID = 0.1, np.linspace(0.95, 0.05, 19)


def problems(rng, n, hard_share):
    """A hard problem loses below .7 + noise, an easy one below .2 + noise."""
    hard = rng.random(n) < hard_share
    worst = np.where(hard, 0.55, 0.2) + 0.3 * rng.random(n)
    return hard, (worst[:, None] >= GRID).astype(float)


def risk_of_hard_and_easy(threshold):
    if threshold == np.inf:
        return 0.0, 0.0
    return tuple(np.clip((low + 0.3 - threshold) / 0.3, 0, 1) for low in (0.55, 0.2))


def mean_risk(select, draws=2000):
    """Mean risk over problems that are hard 70 % of the time; calibrated where 20 % are."""
    rng = np.random.default_rng(0)
    risks = []
    for _ in range(draws):
        hard, losses = problems(rng, 150, 0.2)
        on_hard, on_easy = (risk_of_hard_and_easy(t)[i] for i, t in enumerate(select(hard, losses)))
        risks.append(0.7 * on_hard + 0.3 * on_easy)
    return np.mean(risks), np.std(risks) / np.sqrt(draws)


def exact_weights(hard, losses):
    w = np.where(hard, 0.7 / 0.2, 0.3 / 0.8)
    rule = WeightedConformal(ALPHA)
    return [rule.select(losses, GRID, w, new) for new in (0.7 / 0.2, 0.3 / 0.8)]


def largest_weight(hard, losses):
    return [exact_weights(hard, losses)[0]] * 2


def unweighted(hard, losses):
    return [ConformalRisk(ALPHA).select(losses, GRID)] * 2


def test_promise_holds_under_the_shift():
    mean, error = mean_risk(exact_weights)
    assert ALPHA / 4 < mean <= ALPHA + 3 * error
    mean, error = mean_risk(largest_weight, 500)
    assert ALPHA / 4 < mean <= ALPHA + 3 * error


def test_without_weights_it_breaks():
    mean, error = mean_risk(unweighted, 500)
    assert mean > ALPHA + 3 * error


def test_equal_weights_are_conformal_risk_control(bounded):
    losses = bounded.draw(np.random.default_rng(0), 100)
    rule = WeightedConformal(ALPHA)
    assert rule.select(losses, GRID, np.full(100, 7.0), 7.0) == unweighted(None, losses)[0]


def test_a_new_problem_unlike_any_other_is_never_exited():
    assert WeightedConformal().select(np.zeros((100, 1)), np.array([0.5]), np.ones(100), 1e6) == (
        np.inf
    )
    assert WeightedConformal().select(np.zeros((3, 1)), np.array([0.5]), np.zeros(3), 1.0) == np.inf


def test_density_ratio_recovers_a_gaussian_shift():
    rng = np.random.default_rng(0)
    weigh = density_ratio(rng.normal(0, 1, (20_000, 1)), rng.normal(1, 1, (20_000, 1)))
    x = np.array([[-1.0], [0.0], [2.0]])
    np.testing.assert_allclose(weigh(x), np.exp(x[:, 0] - 0.5), rtol=0.15)


@pytest.mark.parametrize(
    ("weights", "new"),
    [([1.0], 1.0), ([1.0, -1.0], 1.0), ([1.0, np.nan], 1.0), ([1, 1], -1.0), ([1, 1], np.inf)],
)
def test_bad_weights_are_refused(weights, new):
    with pytest.raises(ValueError, match="weights"):
        WeightedConformal().select(np.zeros((2, 1)), np.array([0.5]), weights, new)


def test_level_outside_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        WeightedConformal(alpha=1.0)
