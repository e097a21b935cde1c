"""What every policy promises; members are found by walking the folder."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.budget import Budget
from probexit.exits.policies.exponential import Exponential
from probexit.exits.policies.never import Never
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT, exit_table
from probexit.experiments.registry import members

POLICIES = members("probexit.exits.policies")


@pytest.fixture(params=POLICIES.values(), ids=POLICIES.keys())
def policy(request: pytest.FixtureRequest) -> ExitPolicy:
    made: ExitPolicy = request.param()
    return made


@pytest.fixture
def histories() -> Tensor:
    """200 histories of 9 scores on a coarse scale, so that scores often equal thresholds."""
    return torch.randint(0, 11, (200, 9)) / 10


def test_rows_do_not_see_each_other(policy: ExitPolicy, histories: Tensor) -> None:
    order = torch.randperm(len(histories))
    together = policy.should_exit(histories)
    assert together.dtype == torch.bool
    assert together.shape == (len(histories),)
    assert torch.equal(policy.should_exit(histories[order]), together[order])
    assert [bool(policy.should_exit(h[None])) for h in histories] == together.tolist()


def test_same_history_same_answer(policy: ExitPolicy, histories: Tensor) -> None:
    before = histories.clone()
    first = policy.should_exit(histories)
    policy.should_exit(torch.ones(3, 5))  # nothing is remembered of other rows
    assert torch.equal(policy.should_exit(histories), first)
    assert torch.equal(histories, before)


def test_infinite_threshold_never_exits(policy: ExitPolicy, histories: Tensor) -> None:
    never = replace(policy, threshold=float("inf"))
    for t in range(1, histories.shape[1] + 1):
        assert not never.should_exit(histories[:, :t] + 1e6).any()


def test_the_crossing_threshold_is_the_largest_threshold_that_exits(
    policy: ExitPolicy, histories: Tensor
) -> None:
    for t in range(1, histories.shape[1] + 1):
        history = histories[:, :t].double()
        crossing = policy.crossing_threshold(history)
        assert torch.equal(replace(policy, threshold=0.123).crossing_threshold(history), crossing)
        for row, highest in zip(history[:20], crossing.tolist(), strict=False):
            above = math.nextafter(highest, math.inf)
            assert replace(policy, threshold=highest).should_exit(row[None]) == (
                highest > -math.inf
            )
            assert not replace(policy, threshold=above).should_exit(row[None])


@pytest.mark.parametrize("wild", [math.inf, -math.inf, math.nan])
def test_scores_that_are_no_numbers(policy: ExitPolicy, wild: float) -> None:
    """Replay and a live row agree on them, and a threshold of infinity is never reached."""
    scores = [torch.tensor([0.4, wild, 0.6, wild, wild][:c]) for c in range(1, 6)]
    grid = torch.tensor([math.inf, 1e9, 0.5, 0.4, -1e9, -math.inf], dtype=torch.float64)
    table = exit_table(policy, scores, grid)
    for row, history in zip(table.tolist(), scores, strict=True):
        for left, threshold in zip(row, grid.tolist(), strict=True):
            at = replace(policy, threshold=threshold)
            first = [
                t
                for t in range(len(history))
                if at.should_exit(history[None, : t + 1].double()).item()
            ]
            assert left == (first[0] if first else NO_EXIT)
    assert (table[:, 0] == NO_EXIT).all()


def test_larger_threshold_exits_no_earlier(policy: ExitPolicy, histories: Tensor) -> None:
    grid = torch.tensor([float("inf"), 9.0, 3.0, 0.9, 0.7, 0.65, 0.5, 0.2, 0.0, -1.0])
    first = exit_table(policy, list(histories), grid)
    first[first == NO_EXIT] = histories.shape[1]
    assert (first.diff(dim=1) <= 0).all()


def test_members_that_can_exit_do(policy: ExitPolicy, histories: Tensor) -> None:
    """Without it, the tests above would hold for a policy that is always silent."""
    exits = replace(policy, threshold=-1.0).should_exit(histories).all()
    assert exits == (not isinstance(policy, Never))


@pytest.mark.parametrize(
    ("policy", "scores", "first"),
    [
        (Threshold(0.5), [0.2, 0.5, 0.1], 1),  # a tie exits
        (Threshold(0.5), [0.2, 0.49, 0.1], NO_EXIT),
        (Patience(0.5, patience=2), [0.9, 0.1, 0.5, 0.6, 0.9], 3),
        (Patience(0.5, patience=3), [0.9, 0.9], NO_EXIT),  # too short a history
        (Smoothed(0.5, window=2), [0.0, 0.4, 0.6], 2),  # means 0, 0.2, 0.5
        (Smoothed(0.5, window=2), [0.5, 0.0], 0),  # the first mean is of one score
        (Exponential(0.5, weight=0.5), [0.2, 0.6, 0.6], 2),  # means .2, .4, .5
        (Exponential(0.5, weight=0.5), [0.5, 0.0], 0),  # the first mean is the first score
        (Budget(3.0), [0.0, 0.0, 0.0, 0.0], 2),  # the third cue
        (Never(), [1.0, 1.0], NO_EXIT),
    ],
)
def test_by_hand(policy: ExitPolicy, scores: list[float], first: int) -> None:
    grid = torch.tensor([policy.threshold], dtype=torch.float64)
    assert exit_table(policy, [torch.tensor(scores)], grid).item() == first


@pytest.mark.parametrize(("make", "name"), [(Patience, "patience"), (Smoothed, "window")])
def test_impossible_lengths_are_refused(make: type[ExitPolicy], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=0"):
        make(**{name: 0})


@pytest.mark.parametrize("weight", [0.0, 1.5])
def test_impossible_weights_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=f"weight={weight}"):
        Exponential(weight=weight)
