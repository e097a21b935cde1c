import numpy as np
import pytest

from probexit.calibration.base import laxest, monotonised, require_level
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.split_conformal import SplitConformal
from probexit.calibration.statistics.multiple_testing import Bonferroni


def test_laxest_allowed():
    grid = np.array([0.9, 0.5, 0.1])
    assert laxest(grid, np.array([True, False, False])) == 0.9
    assert laxest(grid, np.array([False, True, False])) == 0.5
    assert laxest(grid, np.zeros(3, dtype=bool)) == np.inf


def test_monotonised_never_forgives_what_a_stricter_threshold_lost():
    losses = np.array([[0, 1, 0], [0.5, 0.2, 0.7]])
    assert monotonised(losses).tolist() == [[0, 1, 1], [0.5, 0.5, 0.7]]


def test_errors_are_shared_by_the_promise_they_belong_to():
    confident = LearnThenTest(0.1, 0.2, testing=Bonferroni())
    assert confident.one_of(4) == LearnThenTest(0.1, 0.05, testing=Bonferroni())
    assert confident.together(4) == confident.one_of(4)
    assert SplitConformal(0.2).one_of(4) == SplitConformal(0.05)
    assert SplitConformal(0.2).together(4) == SplitConformal(0.2)


def test_levels_are_named_when_refused():
    require_level(alpha=0.5)
    with pytest.raises(ValueError, match=r"delta must .* got 1"):
        require_level(alpha=0.5, delta=1)
