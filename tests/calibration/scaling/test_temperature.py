import numpy as np
import pytest

from probexit.calibration.scaling.temperature import Temperature


def test_recovers_the_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, 20_000)
    labels = rng.random(20_000) < 1 / (1 + np.exp(-logits))
    fitted = Temperature().fit(1 / (1 + np.exp(-2.5 * logits)), labels)
    assert fitted.temperature_ == pytest.approx(2.5, rel=0.05)


def test_a_half_stays_a_half_and_the_edges_stay_finite():
    fitted = Temperature().fit([0.2, 0.4, 0.7, 0.9], [0, 1, 0, 1])
    p = fitted.transform([0.0, 0.5, 1.0])
    assert p[1] == 0.5
    assert 0 < p[0] < 0.5 < p[2] < 1


def test_scores_must_be_probabilities():
    with pytest.raises(ValueError, match="probabilities"):
        Temperature().fit([0.5, 2.0], [0, 1])
