import numpy as np
import pytest

from probexit.calibration.statistics.upper_bounds import (
    Betting,
    ClopperPearson,
    Hoeffding,
    HoeffdingBentkus,
    UpperBound,
)
from probexit.calibration.tolerance import Tolerance
from probexit.calibration.upper_confidence import UpperConfidence

ALPHA, DELTA, N, DRAWS = 0.1, 0.1, 150, 2000


@pytest.mark.parametrize(
    "bound",
    [ClopperPearson(), Hoeffding(), HoeffdingBentkus(), Betting()],
    ids=lambda b: type(b).__name__,
)
def test_promise_holds_and_is_not_vacuous(first_crossing, bound):
    risks = first_crossing.risks(UpperConfidence(ALPHA, DELTA, bound).select, N, DRAWS)
    assert (risks > ALPHA).mean() <= DELTA + 3 * np.sqrt(DELTA * (1 - DELTA) / DRAWS)
    assert risks.mean() > 0.001


class Wobbly(UpperBound):
    def of(self, losses, delta):
        return np.array([0.05, 0.2, 0.05])


def test_it_stops_at_the_first_bound_above_alpha():
    rule = UpperConfidence(ALPHA, DELTA, Wobbly())
    assert rule.select(np.zeros((5, 3)), np.array([0.9, 0.5, 0.1])) == 0.9


def test_bounded_losses(bounded):
    risks = bounded.risks(UpperConfidence(ALPHA, DELTA).select, N, 300)
    assert (risks > ALPHA).mean() <= DELTA
    assert risks.mean() > 0.001


def test_a_larger_alpha_breaks_the_promise(border):
    rule = UpperConfidence(2 * ALPHA, DELTA, ClopperPearson())
    monotone = type(border)(np.repeat(border.losses[:, :1], border.grid.size, 1), border.grid)
    assert (monotone.risks(rule.select, N, 200) > ALPHA).mean() > 0.5


def test_exact_bound_is_the_tolerance_order_statistic(first_crossing):
    rng = np.random.default_rng(0)
    for n in (20, 60, 200):
        losses = first_crossing.draw(rng, n)
        mine = UpperConfidence(0.15, 0.1, ClopperPearson()).select(losses, first_crossing.grid)
        assert mine == Tolerance(0.15, 0.1).select(losses, first_crossing.grid)
