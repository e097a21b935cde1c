import numpy as np
import pytest

from probexit.calibration.base import laxest
from probexit.calibration.split_conformal import SplitConformal, strictest_loss
from probexit.calibration.statistics.bounds import rank

ALPHA, DRAWS = 0.1, 2000


def lost_at(*columns, m=4):
    """One row per problem: it loses at the given column (None: never)."""
    return np.array([[float(j == column) for j in range(m)] for column in columns])


def test_strictest_loss_by_hand():
    losses = np.array([[0, 1, 0], [0, 0, 0], [1, 1, 1]])
    assert strictest_loss(losses, np.array([3.0, 2.0, 1.0])).tolist() == [2, -np.inf, 3]


def test_the_answer_lies_strictly_above_the_quantile():
    """Nine problems at alpha = .1: k = 9, so the largest M decides, and it must not be exited at.

    Eight problems never lose, one loses at threshold 2 only (and not at 1, which is laxer).
    """
    losses, grid = lost_at(2, *[None] * 8), np.array([4.0, 3.0, 2.0, 1.0])
    assert SplitConformal(0.1).select(losses, grid) == 3.0


def test_all_problems_tied_at_the_strictest_threshold_give_inf():
    assert SplitConformal(0.5).select(lost_at(0, 0, 0), np.array([4.0, 3, 2, 1])) == np.inf


def test_too_few_problems_give_inf():
    grid = np.array([4.0, 3, 2, 1])
    assert SplitConformal(0.1).select(lost_at(*[None] * 8), grid) == np.inf
    assert SplitConformal(0.1).select(lost_at(*[None] * 9), grid) == 1.0


@pytest.mark.parametrize("n", [40, 200])
def test_marginal_promise_holds_and_is_tight(first_crossing, n):
    risks = first_crossing.risks(SplitConformal(ALPHA).select, n, DRAWS)
    assert ALPHA / 3 < risks.mean() <= ALPHA + 3 * risks.std() / np.sqrt(DRAWS)


def monotone(population):
    return type(population)(np.maximum.accumulate(population.losses, axis=1), population.grid)


def at_rank(shift, losses, grid):
    k = rank(len(losses), ALPHA) + shift
    return laxest(grid, grid > np.sort(strictest_loss(losses, grid))[k - 1])


def not_strict(losses, grid):
    q = np.sort(strictest_loss(losses, grid))[rank(len(losses), ALPHA) - 1]
    return laxest(grid, grid >= q)


def no_plus_one(losses, grid):
    k = int(np.ceil(len(losses) * (1 - ALPHA)))
    return laxest(grid, grid > np.sort(strictest_loss(losses, grid))[k - 1])


MUTANTS = {
    "no +1": no_plus_one,
    "one rank lower": lambda losses, grid: at_rank(-1, losses, grid),
    "2 alpha": SplitConformal(2 * ALPHA).select,
    "exits at the quantile": not_strict,
}


@pytest.fixture(scope="module")
def exact_population(first_crossing):
    """Continuous scores on a fine grid and monotone losses, where the level is met exactly."""
    worst = np.random.default_rng(0).random(20_000)
    grid = np.linspace(0.99, 0.01, 99)
    return type(first_crossing)((worst[:, None] >= grid).astype(float), grid)


def test_exact_level(exact_population):
    """The loss is 1 - k / (n + 1) = 3 / 31, up to the step of the grid."""
    risks = exact_population.risks(SplitConformal(ALPHA).select, 30, 2000)
    assert ALPHA - 0.01 < risks.mean() <= ALPHA + 3 * risks.std() / np.sqrt(2000)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_break_the_promise(exact_population, first_crossing, name):
    population = monotone(first_crossing) if "exits" in name else exact_population
    risks = population.risks(MUTANTS[name], 30, 2000)
    assert risks.mean() > ALPHA + 3 * risks.std() / np.sqrt(2000)
