import itertools

import numpy as np
import pytest

from probexit.calibration.base import laxest
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.bounds import binomial_p
from probexit.calibration.statistics.multiple_testing import (
    Bonferroni,
    FixedSequence,
    SplitFixedSequence,
)
from probexit.calibration.statistics.p_values import WSR, Binomial, HoeffdingBentkusTail

ALPHA, DELTA, N, DRAWS = 0.1, 0.1, 200, 2000
SLACK = 3 * np.sqrt(DELTA * (1 - DELTA) / DRAWS)


def broken(population, select, draws=DRAWS):
    return (population.risks(select, N, draws) > ALPHA).mean()


def test_by_hand():
    losses = np.zeros((22, 3))  # zero failures among 22 certify .1 at .1, one does not
    losses[0, 2] = 1
    assert LearnThenTest(0.1, 0.1).select(losses, np.array([0.9, 0.8, 0.7])) == 0.8
    assert LearnThenTest(0.1, 0.1).select(losses[1:], np.array([0.9, 0.8, 0.7])) == np.inf


@pytest.mark.parametrize(
    ("p_value", "testing"),
    list(
        itertools.product(
            [Binomial(), HoeffdingBentkusTail(), WSR()],
            [FixedSequence(), Bonferroni(), SplitFixedSequence()],
        )
    ),
)
def test_promise_holds_and_is_not_vacuous(first_crossing, p_value, testing):
    rule = LearnThenTest(ALPHA, DELTA, p_value, testing)
    risks = first_crossing.risks(rule.select, 100, DRAWS)
    assert (risks > ALPHA).mean() <= DELTA + SLACK
    assert risks.mean() > 0.001


def test_default_over_2000_draws(first_crossing):
    risks = first_crossing.risks(LearnThenTest(ALPHA, DELTA).select, N, DRAWS)
    assert 0.01 < (risks > ALPHA).mean() <= DELTA + SLACK
    assert risks.mean() > ALPHA / 2


def first_not_rejected(losses, grid):
    accepted = FixedSequence().accepted(losses, lambda x: Binomial().of(x, ALPHA), DELTA)
    return float(grid[min(accepted.sum(), grid.size - 1)])


def no_order(losses, grid):
    return laxest(grid, binomial_p(losses.sum(axis=0), len(losses), ALPHA) <= DELTA)


def test_fixed_sequence_at_the_border(border):
    """Every threshold breaks alpha, so accepting any is an error: at most delta of the time."""
    assert 0.02 < broken(border, LearnThenTest(ALPHA, DELTA).select) <= DELTA + SLACK


@pytest.mark.parametrize("mutant", [no_order, LearnThenTest(2 * ALPHA, DELTA).select])
def test_mutants_break_the_promise_at_the_border(border, mutant):
    assert broken(border, mutant, 500) > DELTA + 2 * SLACK


def test_returning_the_first_not_rejected_breaks_the_promise(step):
    assert broken(step, first_not_rejected, 500) > 0.9
    assert broken(step, LearnThenTest(ALPHA, DELTA).select, 500) <= DELTA


def test_bounded_losses(bounded):
    risks = bounded.risks(LearnThenTest(ALPHA, DELTA, HoeffdingBentkusTail()).select, N, 500)
    assert (risks > ALPHA).mean() <= DELTA + 2 * SLACK
    assert risks.mean() > 0.01
    with pytest.raises(ValueError, match="HoeffdingBentkusTail"):
        LearnThenTest().select(bounded.losses[:100], bounded.grid)


@pytest.mark.parametrize("delta", [0.0, 1.0])
def test_delta_outside_is_refused(delta):
    with pytest.raises(ValueError, match="delta"):
        LearnThenTest(delta=delta)
