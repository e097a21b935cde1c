import numpy as np
import pytest

from probexit.calibration.metrics.risk_coverage import risk_coverage
from probexit.calibration.statistics.bootstrap import Resampling

FEW = Resampling(draws=50)


def test_by_hand() -> None:
    curve = risk_coverage([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0], [0, 1, 2, 3], 4, FEW)
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert curve.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_a_good_score_has_a_smaller_area_than_a_random_one() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(2000) < 0.7
    good = labels + rng.normal(size=2000)
    groups = np.arange(2000) // 5
    informed = risk_coverage(good, labels, groups, resampling=FEW)
    blind = risk_coverage(rng.random(2000), labels, groups, resampling=FEW)
    assert informed.area < blind.area - 0.1
    assert blind.area == pytest.approx(0.3, abs=0.05)
    assert ((informed.low <= informed.risk) & (informed.risk <= informed.high)).all()


def test_at_full_coverage_it_is_the_error_rate() -> None:
    curve = risk_coverage([0.3, 0.2, 0.1], [1, 0, 0], [0, 0, 1], 5, FEW)
    assert curve.risk[-1] == pytest.approx(2 / 3)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="points"):
        risk_coverage([0.5], [1], [0], 0)
