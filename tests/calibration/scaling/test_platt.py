import numpy as np
import pytest

from probexit.calibration.scaling.platt import Platt


def test_recovers_the_curve():
    rng = np.random.default_rng(0)
    scores = rng.normal(3, 2, 20_000)
    labels = rng.random(20_000) < 1 / (1 + np.exp(-(1.5 * scores - 4)))
    fitted = Platt().fit(scores, labels)
    assert fitted.slope_ == pytest.approx(1.5, rel=0.05)
    assert fitted.offset_ == pytest.approx(-4, rel=0.05)


def test_one_class_gives_the_smoothed_rate():
    """Platt's target for five of five is 6 / 7, not 1."""
    fitted = Platt().fit([1.0, 1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1, 1])
    assert fitted.transform(1.0) == pytest.approx(6 / 7, abs=1e-3)


def test_reversed_scores_give_a_flat_curve():
    assert Platt().fit([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]).slope_ == 0
