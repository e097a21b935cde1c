"""Thresholds by hill climbing: the golden values of the released rule, its slip put right."""

import pytest
import torch

from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import Costs
from probexit.exits.depth.tuning.ramps import Bootstrap, HillClimb, RampCosts, serve

COSTS = RampCosts((4.0, 8.0), (0.2, 0.2), 12.0)
SURE = torch.tensor(
    [
        [0.99, 0.97, 0.90, 0.80, 0.60, 0.95, 0.70, 0.55, 0.98, 0.65],
        [0.99, 0.99, 0.97, 0.93, 0.85, 0.99, 0.90, 0.70, 0.99, 0.60],
    ],
    dtype=torch.float64,
).T
RIGHT = torch.tensor([[1, 1, 1, 0, 1, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]]).T.bool()
WINDOW = Feedback((3, 7), SURE, RIGHT, 12)


def test_costs_and_utilities_by_hand() -> None:
    assert COSTS.released.tolist() == pytest.approx([4.2, 8.4, 12.4])
    rates = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    assert COSTS.utilities(rates).tolist() == pytest.approx([2.0, 1.16])


def test_zero_never_exits_and_costs_what_the_ramps_cost() -> None:
    served = serve((0.0, 0.0), WINDOW, COSTS)
    assert (served.accuracy, served.rates.tolist()) == (1.0, [0, 0, 1])
    assert served.improvement == pytest.approx(-0.4 / 12)


@pytest.mark.parametrize(
    ("budget", "theta", "accuracy", "improvement", "rates"),
    [
        (0.0001, (0.1994, 0.4), 1.0, 0.441667, [0.5, 0.4, 0.1]),
        (0.15, (0.35, 0.4), 0.9, 0.511667, [0.7, 0.2, 0.1]),
    ],
)
def test_the_golden_values(
    budget: float, theta: tuple[float, ...], accuracy: float, improvement: float, rates: list[float]
) -> None:
    found = HillClimb(budget).tune(WINDOW, COSTS)
    served = serve(found, WINDOW, COSTS)
    assert found == pytest.approx(theta)
    assert served.accuracy == pytest.approx(accuracy)
    assert served.improvement == pytest.approx(improvement, abs=1e-6)
    assert served.rates.tolist() == pytest.approx(rates)


def test_a_fixed_threshold_stays() -> None:
    first, second = HillClimb().tune(WINDOW, COSTS, {0: 0.05})
    assert first == 0.05
    assert second > 0.1


def test_bootstrap_takes_what_pays_within_the_latency_budget() -> None:
    assert Bootstrap(overhead=0.05, most=2).choose(WINDOW, Costs(look=0.2)) == (3, 7)
    assert Bootstrap(overhead=0.02, most=2).choose(WINDOW, Costs(look=0.2)) == (3,)
    assert Bootstrap(overhead=0.01).choose(WINDOW, Costs(look=0.2)) == ()
    wrong = Feedback((3, 7), SURE, torch.zeros_like(RIGHT), 12)
    assert Bootstrap().choose(wrong, Costs(look=0.2)) == ()
