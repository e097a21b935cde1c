import numpy as np

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.uncalibrated import Uncalibrated

GRID = np.array([0.9, 0.5, 0.1])


def test_by_hand():
    losses = np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0], [0, 0, 0]])
    assert Uncalibrated(0.25).select(losses, GRID) == 0.5
    assert Uncalibrated(0.24).select(losses, GRID) == 0.9
    assert Uncalibrated(0.25).select(np.ones((4, 3)), GRID) == np.inf


def test_an_average_equal_to_alpha_passes_despite_floating_point():
    losses = np.zeros((100, 1))
    losses[:29] = 1
    assert 100 * 0.29 < 29  # why alpha is read as a decimal
    assert Uncalibrated(0.29).select(losses, np.array([0.5])) == 0.5


def test_it_breaks_the_level_often(border):
    naive = (border.risks(Uncalibrated(0.1).select, 200, 300) > 0.1).mean()
    honest = (border.risks(LearnThenTest(0.1).select, 200, 300) > 0.1).mean()
    assert naive > 0.9 > 0.16 > honest
