import numpy as np
import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.sample_size import Pilot, outlook


@pytest.fixture(scope="module")
def pilot(first_crossing):
    losses = first_crossing.losses[:400]
    savings = np.broadcast_to(np.linspace(0.05, 0.8, first_crossing.grid.size), losses.shape)
    return Pilot(losses, savings, first_crossing.grid)


def test_more_problems_save_more(pilot):
    views = outlook(LearnThenTest(0.1, 0.1), pilot, [10, 50, 400], draws=100)
    savings = [view.saving for view in views]
    assert savings == sorted(savings)
    assert views[0].certified == 0  # 22 are the least that certify anything
    assert views[0].saving == 0
    assert views[-1].certified > 0.9
    assert views[-1].low <= views[-1].saving <= views[-1].high


def test_seeded(pilot):
    assert outlook(LearnThenTest(0.1), pilot, [50], 20) == outlook(
        LearnThenTest(0.1), pilot, [50], 20
    )


def test_the_strictest_threshold_counts_as_certified():
    view = outlook(LearnThenTest(), Pilot(np.zeros((50, 1)), np.ones((50, 1)), np.ones(1)), [60])
    assert (view[0].certified, view[0].saving) == (1, 1)


def test_bad_shapes():
    with pytest.raises(ValueError, match="savings"):
        Pilot(np.zeros((3, 1)), np.zeros((2, 1)), np.array([0.5]))
