import pytest

from probexit.calibration.scaling.isotonic import Isotonic


def test_pools_neighbours_by_hand():
    fitted = Isotonic().fit([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
    assert fitted.transform([0.1, 0.2, 0.3, 0.4]).tolist() == [0, 0.5, 0.5, 1]
    assert fitted.transform([0.0, 0.25, 0.9]).tolist() == pytest.approx([0, 0.5, 1])
