import math

import numpy as np
import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.mondrian import Mondrian
from probexit.calibration.split_conformal import SplitConformal

ALPHA, DELTA = 0.1, 0.1


@pytest.fixture(scope="module")
def two_groups(first_crossing):
    """Problems of the same kind, but the hard group loses four times as often."""
    rng = np.random.default_rng(0)
    easy = first_crossing.losses * (rng.random((20_000, 1)) < 0.25)
    return type(first_crossing)(easy, first_crossing.grid), first_crossing


def test_each_group_gets_what_its_own_problems_certify():
    losses = np.zeros((160, 2))
    losses[:40, 1] = 1  # the first group loses half of the time at the lax threshold
    groups = np.repeat(["hard", "easy"], 80)
    grid = np.array([0.9, 0.5])
    assert Mondrian(LearnThenTest(0.1, 0.1)).select(losses, grid, groups) == {
        "hard": 0.9,
        "easy": 0.5,
    }


def test_delta_is_split_over_groups_but_a_marginal_level_is_not():
    losses, groups, grid = np.zeros((28, 1)), np.repeat([0, 1], [22, 6]), np.array([0.5])
    assert LearnThenTest(0.1, 0.1).select(losses[:22], grid) == 0.5
    assert Mondrian(LearnThenTest(0.1, 0.1)).select(losses, grid, groups)[0] == math.inf
    groups = np.repeat([0, 1], [9, 19])
    assert Mondrian(SplitConformal(0.1)).select(losses, grid, groups) == {0: 0.5, 1: 0.5}


def test_all_groups_hold_at_once(two_groups):
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 150)
    rule, broken, pooled_breaks_hard = Mondrian(LearnThenTest(ALPHA, DELTA)), 0, 0
    for _ in range(2000):
        losses = np.concatenate([group.draw(rng, 150) for group in two_groups])
        found = rule.select(losses, two_groups[0].grid, groups)
        broken += any(g.risk_at(found[i]) > ALPHA for i, g in enumerate(two_groups))
        pooled = LearnThenTest(ALPHA, DELTA).select(losses, two_groups[0].grid)
        pooled_breaks_hard += two_groups[1].risk_at(pooled) > ALPHA
    assert broken / 2000 <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / 2000)
    assert pooled_breaks_hard / 2000 > 0.3  # what it is for


def test_certificates_say_what_a_small_group_lacks():
    found = Mondrian(LearnThenTest(0.1, 0.1)).certify(
        np.zeros((60, 1)), np.array([0.5]), np.repeat([0, 1], [50, 10])
    )
    assert found[0].certified
    assert found[0].delta == 0.05
    assert "29 problems, 19 more" in found[1].statement


def test_one_label_per_problem():
    with pytest.raises(ValueError, match="one label"):
        Mondrian().select(np.zeros((3, 1)), np.array([0.5]), ["a"])
