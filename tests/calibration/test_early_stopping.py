import numpy as np
import pytest

from probexit.calibration.early_stopping import CertifiedStopping, EpochRule
from probexit.calibration.statistics.bounds import rank

ALPHA, N, EPOCHS, DRAWS = 0.1, 29, 60, 2000


def test_epochs_that_one_more_problem_could_crown_stay_in_play():
    selection = np.zeros((10, 3))
    selection[:, 1] = 0.1  # total 1: could still win
    selection[:, 2] = 0.2  # total 2: could not
    unsafe = np.arange(30.0).reshape(10, 3)
    rule = CertifiedStopping(0.1).choose(unsafe, selection)
    assert rule.epochs == (0, 1)
    assert rule.bounds == (27.0, 28.0)  # rank(10, .1) = 10: the largest


def test_all_in_play_must_agree_and_strictly():
    rule = EpochRule((4, 2), (0.5, 0.6))
    assert rule.exits([[0.7, 0.7], [0.5, 0.7], [0.7, 0.6]]).tolist() == [True, False, False]


def test_too_few_problems_never_exit():
    rule = CertifiedStopping(0.1).choose(np.zeros((8, 2)), np.zeros((8, 2)))
    assert not rule.exits(np.ones(2)).any()


def draw(rng, n):
    """Sixty equally good epochs that err on different problems; the loss is the worst score."""
    worst = rng.beta(2, 2, size=(n, EPOCHS))
    return worst, worst


def wrong_exits(rule_of):
    rng = np.random.default_rng(0)
    return np.array([rule_of(*draw(rng, N), draw(rng, 20)[0]).mean() for _ in range(DRAWS)])


def naive(unsafe, selection, new):
    best = selection.sum(axis=0).argmin()
    return new[:, best] > np.sort(unsafe[:, best])[rank(N, ALPHA) - 1]


def conformalized(unsafe, selection, new):
    rule = CertifiedStopping(ALPHA).choose(unsafe, selection)
    return rule.exits(new[:, list(rule.epochs)])


def split(unsafe, selection, new):
    """Choose on one half, calibrate on the other: safe, and what early stopping saves."""
    best = selection[::2].sum(axis=0).argmin()
    held = np.sort(unsafe[1::2, best])
    k = rank(len(held), ALPHA)
    return new[:, best] > (held[k - 1] if k <= len(held) else np.inf)


def test_naive_reuse_breaks_the_level_and_conformalized_holds_it():
    wrong = wrong_exits(naive)
    assert wrong.mean() > ALPHA + 3 * wrong.std() / np.sqrt(DRAWS)
    wrong = wrong_exits(conformalized)
    assert wrong.mean() <= ALPHA + 3 * wrong.std() / np.sqrt(DRAWS)
    wrong = wrong_exits(split)
    assert wrong.mean() <= ALPHA + 3 * wrong.std() / np.sqrt(DRAWS)


def test_not_vacuous_when_one_epoch_is_clearly_best():
    """One good epoch among sixty stays in play alone, at the level of split conformal."""
    rng, wrong, right = np.random.default_rng(0), [], []
    for _ in range(300):
        worst = 0.3 + 0.7 * rng.beta(2, 2, size=(N + 20, EPOCHS))
        worst[:, 7] -= 0.3
        rule = CertifiedStopping(ALPHA).choose(worst[:N], worst[:N])
        assert rule.epochs == (7,)
        wrong.append(rule.exits(worst[N:, [7]]).mean())
        right.append(rule.exits(np.full((1, 1), 0.9)).mean())
    assert 0.05 < np.mean(wrong) <= ALPHA + 3 * np.std(wrong) / np.sqrt(300)
    assert np.mean(right) > 0.9


@pytest.mark.parametrize(
    ("unsafe", "selection", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1)), "epochs"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "epochs"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "NaN"),
        (np.zeros((3, 2)), np.full((3, 2), 1.5), "selection"),
    ],
)
def test_bad_input(unsafe, selection, message):
    with pytest.raises(ValueError, match=message):
        CertifiedStopping().choose(unsafe, selection)
