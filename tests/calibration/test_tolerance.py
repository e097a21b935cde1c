import numpy as np
import pytest

from probexit.calibration.split_conformal import SplitConformal, above_rank
from probexit.calibration.statistics.bounds import tolerance_rank
from probexit.calibration.tolerance import Tolerance

ALPHA, DELTA, DRAWS = 0.1, 0.1, 2000
SLACK = 3 * np.sqrt(DELTA * (1 - DELTA) / DRAWS)


@pytest.fixture(scope="module")
def monotone(first_crossing):
    worst = np.random.default_rng(0).random(20_000)
    grid = np.linspace(0.99, 0.01, 99)
    return type(first_crossing)((worst[:, None] >= grid).astype(float), grid)


def broken(population, select):
    return (population.risks(select, 30, DRAWS) > ALPHA).mean()


def test_by_hand():
    losses, grid = np.zeros((22, 3)), np.array([3.0, 2.0, 1.0])
    assert tolerance_rank(22, 0.1, 0.1) == 22
    losses[0, 1] = 1
    assert Tolerance(0.1, 0.1).select(losses, grid) == 3  # strictly above the largest, 2
    assert Tolerance(0.1, 0.1).select(losses[1:], grid) == np.inf


def test_promise_holds_and_is_tight(monotone):
    assert 0.03 < broken(monotone, Tolerance(ALPHA, DELTA).select) <= DELTA + SLACK


def test_mutants_break_the_promise(monotone):
    def one_rank_lower(losses, grid):
        return above_rank(losses, grid, tolerance_rank(len(losses), ALPHA, DELTA) - 1)

    assert broken(monotone, one_rank_lower) > DELTA + SLACK
    assert broken(monotone, Tolerance(2 * ALPHA, DELTA).select) > DELTA + SLACK
    assert broken(monotone, SplitConformal(ALPHA).select) > 0.3  # on average only


def test_fractions_are_refused():
    with pytest.raises(ValueError, match="UpperConfidence"):
        Tolerance().select(np.array([[0.5]]), np.array([0.5]))
