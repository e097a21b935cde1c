import numpy as np
import pytest

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.mapie_risk_control import MapieRiskControl
from probexit.calibration.statistics.multiple_testing import Bonferroni


def test_same_as_ours_with_bonferroni(first_crossing):
    rng = np.random.default_rng(0)
    for _ in range(100):
        losses = first_crossing.draw(rng, 128)  # a power of two: MAPIE rounds n * mean up
        ours = LearnThenTest(0.15, 0.1, testing=Bonferroni()).select(losses, first_crossing.grid)
        theirs = MapieRiskControl(0.15, 0.1, "bonferroni").select(losses, first_crossing.grid)
        assert ours == theirs


@pytest.mark.parametrize("method", ["bonferroni", "bonferroni_holm"])
def test_promise_holds_and_is_not_vacuous(first_crossing, border, method):
    rule = MapieRiskControl(0.1, 0.1, method)
    assert first_crossing.risks(rule.select, 200, 100).mean() > 0.01
    assert (border.risks(rule.select, 200, 300) > 0.1).mean() <= 0.1 + 3 * np.sqrt(0.09 / 300)


def test_fractions_are_refused():
    with pytest.raises(ValueError, match="HoeffdingBentkus"):
        MapieRiskControl().select(np.array([[0.5]]), np.array([0.5]))
