import numpy as np
import pytest

from probexit.calibration.statistics.e_process import EProcess, ville_threshold

ALPHA, STEPS, SHIFT = 0.1, 12, 0.6


def traces(rng, n, safe_share=0.5):
    """Normal scores, their mean shifted in safe traces; traces end after 6 to 12 steps."""
    safe = rng.random(n) < safe_share
    scores = rng.normal(safe[:, None] * SHIFT, 1, size=(n, STEPS))
    scores[np.arange(STEPS) >= rng.integers(6, STEPS + 1, size=(n, 1))] = np.nan
    return scores, safe


@pytest.fixture(scope="module")
def fitted():
    return EProcess().fit(*traces(np.random.default_rng(0), 20_000))


def test_wealth_is_the_density_ratio(fitted):
    scores = np.random.default_rng(1).normal(0.3, 1, size=(200, 6))
    truth = np.cumsum(SHIFT * scores - SHIFT**2 / 2, axis=1)
    np.testing.assert_allclose(np.log(fitted.wealth(scores)), truth, atol=0.3)


def test_wealth_does_not_depend_on_the_class_balance():
    fitted = EProcess().fit(*traces(np.random.default_rng(2), 20_000, safe_share=0.2))
    scores = np.full((1, 4), 0.5)
    truth = np.cumsum(SHIFT * scores - SHIFT**2 / 2)
    np.testing.assert_allclose(np.log(fitted.wealth(scores))[0], truth, atol=0.2)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_unsafe_traces_exit_at_most_alpha_of_the_time(fitted, alpha):
    scores, safe = traces(np.random.default_rng(3), 8000)
    ever = (fitted.wealth(scores) >= ville_threshold(alpha)).any(axis=1)
    n = (~safe).sum()
    assert ever[~safe].mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / n)
    assert ever[safe].mean() > 2 * alpha


def test_a_test_at_each_step_would_break_the_level(fitted):
    """What "anytime" is worth: the 90 % quantile of each step, looked at in every step."""
    scores, safe = traces(np.random.default_rng(4), 8000)
    wealth = fitted.wealth(scores)[~safe]
    assert (wealth > np.quantile(wealth, 0.9, axis=0)).any(axis=1).mean() > 2 * ALPHA


def test_pac_threshold_holds_with_confidence_even_for_a_poor_ratio():
    rng = np.random.default_rng(5)
    poor = EProcess(least=5).fit(*traces(rng, 60))
    scores, _ = traces(rng, 20_000, safe_share=0)
    peak = poor.wealth(scores).max(axis=1)
    drawn = (rng.integers(len(peak), size=200) for _ in range(1000))
    bounds = [poor.pac_threshold(scores[rows], np.zeros(200), ALPHA, 0.1) for rows in drawn]
    false = np.array([(peak > bound).mean() for bound in bounds])
    assert 0.04 < (false > ALPHA).mean() <= 0.1 + 3 * np.sqrt(0.09 / 1000)


def test_too_few_unsafe_traces_for_a_pac_threshold(fitted):
    scores, _ = traces(np.random.default_rng(6), 21)
    assert fitted.pac_threshold(scores, np.zeros(21), 0.1, 0.1) == np.inf
    assert fitted.pac_threshold(scores, np.ones(21), 0.1, 0.1) == np.inf


def test_nothing_is_claimed_beyond_what_was_learned():
    scores, safe = traces(np.random.default_rng(7), 400)
    wealth = EProcess().fit(scores[:, :3], safe).wealth(scores)
    assert (wealth[:, 3:] == 0).all()


def test_no_exit_after_the_end_of_a_trace(fitted):
    assert fitted.wealth([[9.0, np.nan, np.nan]])[0, 1:].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("scores", "safe", "message"),
    [
        (np.zeros((5, 3)), np.ones(4), "steps"),
        ([[0.1, np.nan, 0.2]], [1], "pad at the end"),
        (np.zeros((50, 3)), np.ones(50), "unsafe traces"),
    ],
)
def test_bad_input(scores, safe, message):
    with pytest.raises(ValueError, match=message):
        EProcess().fit(scores, safe)


def test_before_fit():
    with pytest.raises(ValueError, match="fit"):
        EProcess().wealth([[0.1]])
