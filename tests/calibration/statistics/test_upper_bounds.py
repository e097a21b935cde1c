import numpy as np
import pytest

from probexit.calibration.statistics.bounds import hoeffding_bentkus_p
from probexit.calibration.statistics.upper_bounds import (
    Betting,
    ClopperPearson,
    Hoeffding,
    HoeffdingBentkus,
)

ALL = [Betting(), ClopperPearson(), Hoeffding(), HoeffdingBentkus()]


@pytest.mark.parametrize("bound", ALL, ids=lambda b: type(b).__name__)
def test_bounds_cover_and_are_not_vacuous(bound):
    losses = (np.random.default_rng(0).random((150, 2000)) < 0.05).astype(float)
    upper = bound.of(losses, 0.1)
    assert (upper < 0.05).mean() <= 0.1 + 3 * np.sqrt(0.09 / 2000)
    assert upper.mean() < 0.2


def test_too_small_a_delta_would_be_seen():
    losses = (np.random.default_rng(0).random((150, 2000)) < 0.05).astype(float)
    assert (ClopperPearson().of(losses, 0.3) < 0.05).mean() > 0.1 + 3 * np.sqrt(0.09 / 2000)


def test_hoeffding_bentkus_inverts_its_test():
    upper = HoeffdingBentkus().of(np.r_[np.ones(4), np.zeros(76)][:, None], 0.1)
    assert hoeffding_bentkus_p(4, 80, float(upper[0])) == pytest.approx(0.1)


@pytest.mark.parametrize("bound", ALL, ids=lambda b: type(b).__name__)
def test_all_lost_and_none_lost(bound):
    assert bound.of(np.ones((10, 1)), 0.1) == [1.0]
    assert 0 < bound.of(np.zeros((100, 1)), 0.1)[0] < 0.2


def test_betting_is_narrower_than_hoeffding_when_losses_vary_little():
    losses = np.full((200, 1), 0.1)
    assert Betting().of(losses, 0.1) < Hoeffding().of(losses, 0.1)


def test_clopper_pearson_refuses_fractions():
    with pytest.raises(ValueError, match="Betting"):
        ClopperPearson().of(np.array([[0.5]]), 0.1)
