import numpy as np
import pytest

from probexit.calibration.base import laxest, monotonised
from probexit.calibration.conformal_risk import ConformalRisk
from probexit.calibration.split_conformal import SplitConformal

ALPHA = 0.1


def test_by_hand():
    losses = np.array([[0, 0.5, 0.0], [0, 0, 1.0], [0, 0, 0]])
    grid = np.array([3.0, 2.0, 1.0])
    # monotonised sums 0, .5, 1.5; (sum + 1) / 4 = .25, .375, .625
    assert ConformalRisk(0.25).select(losses, grid) == 3
    assert ConformalRisk(0.375).select(losses, grid) == 2
    assert ConformalRisk(0.24).select(losses, grid) == np.inf


def test_it_is_split_conformal_for_losses_of_0_or_1(first_crossing):
    rng = np.random.default_rng(0)
    for n in (9, 10, 19, 57, 200):
        for alpha in (0.03, 0.07, 0.1, 0.3):
            losses = first_crossing.draw(rng, n)
            theirs = SplitConformal(alpha).select(losses, first_crossing.grid)
            assert ConformalRisk(alpha).select(losses, first_crossing.grid) == theirs


def test_promise_for_bounded_losses(bounded):
    risks = bounded.risks(ConformalRisk(ALPHA).select, 100, 2000)
    assert ALPHA / 3 < risks.mean() <= ALPHA + 3 * risks.std() / np.sqrt(2000)


@pytest.fixture(scope="module")
def dip(first_crossing):
    """A loss that falls again towards lax in a few columns: what the monotone form is for."""
    losses = np.random.default_rng(0).random((20_000, 19)) < 0.3
    return type(first_crossing)(losses.astype(float), first_crossing.grid)


def without_monotonising(losses, grid):
    return laxest(grid, (losses.sum(axis=0) + 1) / (len(losses) + 1) <= 0.2)


def test_without_monotonising_the_promise_breaks(dip):
    """Every risk is .3: some column of 19 looks like .2 in most draws of 20."""
    mean = dip.risks(without_monotonising, 20, 500).mean()
    assert mean > 0.2
    assert dip.risks(ConformalRisk(0.2).select, 20, 500).mean() <= 0.2


@pytest.mark.parametrize("mutant", ["no +1", "2 alpha"])
def test_mutants_break_the_promise(mutant, first_crossing):
    worst = np.random.default_rng(0).random(20_000)
    grid = np.linspace(0.99, 0.01, 99)
    population = type(first_crossing)((worst[:, None] >= grid).astype(float), grid)
    select = {
        "no +1": lambda x, g: laxest(g, monotonised(x).mean(axis=0) <= ALPHA),
        "2 alpha": ConformalRisk(2 * ALPHA).select,
    }[mutant]
    risks = population.risks(select, 30, 1000)
    assert risks.mean() > ALPHA + 3 * risks.std() / np.sqrt(1000)
