import math

import pytest
import torch

from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import (
    Costs,
    plan_drafts,
    plan_exits,
    sets_of,
    speculative_speed,
)

# Four tokens, exits at layers 1 and 3 of 6.
FEEDBACK = Feedback(
    (1, 3),
    torch.tensor([[0.9, 0.9], [0.6, 0.8], [0.2, 0.7], [0.1, 0.1]]),
    torch.tensor([[True, True], [False, True], [False, True], [False, False]]),
    6,
)
BOTH = sets_of((1, 3), 2)


def drafts_at(layer: int, right: list[bool]) -> Feedback:
    scores = torch.tensor([[0.9], [0.8], [0.7], [0.6]])
    return Feedback((layer,), scores, torch.tensor(right)[:, None], 6)


def test_the_published_example_of_the_cost_model() -> None:
    # 32 layers, a head of 2.4, exit at 8, 4 drafts: 1.04, 1.52 and 1.85 times faster.
    speeds = [speculative_speed(a, 4, 8 + 2.4, 32 + 2.4) for a in (0.6, 0.8, 0.9)]
    assert speeds == pytest.approx([1.04, 1.52, 1.85], abs=0.005)


def test_sets_of_layers() -> None:
    assert sets_of((1, 3, 5), 2) == [(1,), (3,), (5,), (1, 3), (1, 5), (3, 5)]
    assert BOTH == [(1,), (3,), (1, 3)]


def test_exits_are_chosen_by_what_they_cost() -> None:
    free = plan_exits(FEEDBACK, Costs(), BOTH, 1.0)
    assert (free.layers, free.threshold) == ((1, 3), pytest.approx(0.7))
    assert free.speed == pytest.approx(6 / ((2 + 4 + 4 + 6) / 4))
    # Two looks for half a layer less than one look: not at .8 layers each.
    assert plan_exits(FEEDBACK, Costs(look=0.8), BOTH, 1.0).layers == (3,)
    assert plan_exits(FEEDBACK, Costs(look=3.0), BOTH, 1.0).speed < 1
    # The rest of a pass is never saved.
    rest = plan_exits(FEEDBACK, Costs(rest=2.0), BOTH, 1.0)
    assert rest.speed == pytest.approx(8 / (4 + 2))
    nothing = plan_exits(drafts_at(0, [False] * 4), Costs(), [(0,)], 1.0)
    assert (nothing.layers, nothing.threshold) == ((), math.inf)


def test_drafts_weigh_cost_against_acceptance() -> None:
    all_right = plan_drafts(drafts_at(0, [True] * 4), Costs(), [(0,)], most_drafts=4)
    assert (all_right.threshold, all_right.drafts) == (pytest.approx(0.6), 4)
    assert all_right.speed == pytest.approx(5 * 6 / (4 + 6))
    half = plan_drafts(drafts_at(0, [True, True, False, False]), Costs(), [(0,)], most_drafts=4)
    assert half.threshold == pytest.approx(0.8)
    # One draft as dear as the whole pass that it spares pays nothing.
    assert plan_drafts(drafts_at(0, [True] * 4), Costs(rest=1e9), [(0,)]).speed == pytest.approx(1)
    never = plan_drafts(drafts_at(4, [False] * 4), Costs(), [(4,)])
    assert (never.layers, never.threshold) == ((), math.inf)


def test_more_drafts_only_while_they_are_accepted() -> None:
    sure = plan_drafts(drafts_at(0, [True] * 4), Costs(), [(0,)], most_drafts=12)
    assert sure.drafts == 12
    alike = torch.full((4, 1), 0.5)  # nothing tells the wrong draft from the right ones
    unsure = Feedback((2,), alike, torch.tensor([[True], [True], [True], [False]]), 6)
    plan = plan_drafts(unsure, Costs(rest=1), [(2,)], most_drafts=12)
    assert plan.drafts == 1
    assert plan.speed == pytest.approx(1.75 * 7 / (4 + 7))
