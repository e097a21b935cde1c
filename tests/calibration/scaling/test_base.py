import numpy as np
import pytest

from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.scaling.base import smoothed


def test_platt_targets_by_hand():
    """Three of one class, one of the other: targets 4 / 5 and 1 / 3."""
    s, y, w = smoothed(Scored.of([0.1, 0.2, 0.3, 0.4], [0, 1, 1, 1]))
    assert s.tolist() == [0.1, 0.2, 0.3, 0.4] * 2
    assert y.tolist() == [1] * 4 + [0] * 4
    assert w == pytest.approx([1 / 3, 4 / 5, 4 / 5, 4 / 5, 2 / 3, 1 / 5, 1 / 5, 1 / 5])


def test_each_cue_keeps_its_weight():
    _, _, w = smoothed(Scored.of([0.1, 0.2], [0, 1], [3, 5]))
    assert (w[:2] + w[2:]).tolist() == pytest.approx([3, 5])
    assert np.isfinite(w).all()
