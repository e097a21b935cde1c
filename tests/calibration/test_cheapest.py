import numpy as np
import pytest

from probexit.calibration.cheapest import Cheapest, PolicyTable
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.split_conformal import SplitConformal

GRID = np.array([0.9, 0.5])


def policy(n=100, lost=0, cost=1.0):
    losses = np.zeros((n, 2))
    losses[:lost] = 1
    return PolicyTable(losses, np.tile([2 * cost, cost], (n, 1)), GRID)


def test_takes_the_cheapest_that_is_certified():
    tables = {"dear": policy(cost=3), "cheap": policy(cost=2), "unsafe": policy(lost=50, cost=1)}
    choice = Cheapest(LearnThenTest(0.1, 0.1)).choose(tables)
    assert choice is not None
    assert (choice.policy, choice.threshold, choice.cost) == ("cheap", 0.5, 2)


def test_none_certified_means_none():
    assert Cheapest().choose({"a": policy(lost=50), "b": policy(n=5)}) is None


def test_multiplicity_is_paid():
    rule = Cheapest(LearnThenTest(0.1, 0.1))
    assert rule.choose({"only": policy(n=22)}) is not None
    assert rule.choose({"a": policy(n=22), "b": policy(n=22)}) is None


def test_a_marginal_level_is_paid_too():
    rule = Cheapest(SplitConformal(0.1))
    assert rule.choose({"only": policy(n=9)}) is not None
    assert rule.choose({"a": policy(n=9), "b": policy(n=9)}) is None
    assert rule.choose({"a": policy(n=19), "b": policy(n=19)}) is not None


@pytest.mark.parametrize(("paid", "holds"), [(True, True), (False, False)])
def test_choosing_among_many_breaks_the_promise_unless_paid(paid, holds):
    """Ten policies whose risk is a hair over alpha; the luckiest looks cheapest."""
    rng, broken = np.random.default_rng(0), 0
    rule, grid = LearnThenTest(0.1, 0.1), np.array([0.5])
    for _ in range(500):
        lost = (rng.random((10, 200, 1)) < 0.1001).astype(float)
        tables = {str(k): PolicyTable(x, x, grid) for k, x in enumerate(lost)}
        each = [Cheapest(rule).choose({k: t}) for k, t in tables.items()]
        broken += (Cheapest(rule).choose(tables) is not None) if paid else any(each)
    assert (broken / 500 <= 0.1 + 3 * np.sqrt(0.09 / 500)) == holds


def test_bad_input():
    with pytest.raises(ValueError, match="at least one"):
        Cheapest().choose({})
    with pytest.raises(ValueError, match="costs"):
        PolicyTable(np.zeros((3, 2)), np.zeros((3, 1)), GRID)
