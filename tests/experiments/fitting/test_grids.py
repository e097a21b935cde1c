"""Thresholds are drawn from what a policy compares with them: every decision is reachable."""

import math

import pytest
import torch

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.majority import Majority
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.experiments.fitting.grids import FINEST, policy_grid, spread


def distinct(policy: ExitPolicy, scores: list[torch.Tensor], grid: torch.Tensor) -> int:
    return len({tuple(column) for column in exit_table(policy, scores, grid).T.tolist()})


@pytest.mark.parametrize("policy", [Threshold(), Patience(), Majority(), Smoothed()])
def test_every_decision_of_a_policy_is_reachable(policy: ExitPolicy) -> None:
    torch.manual_seed(0)
    scores = [torch.rand(6) for _ in range(20)]
    grid = policy_grid(policy, scores)
    fine = torch.linspace(1.2, -0.2, 400_001, dtype=torch.float64)
    never = distinct(policy, scores, torch.tensor([math.inf]))
    assert distinct(policy, scores, grid) + never == distinct(policy, scores, fine)


def test_scores_alone_do_not_reach_them_all() -> None:
    """The positive control: a smoothed score lies between the scores."""
    torch.manual_seed(0)
    scores = [torch.rand(6) for _ in range(20)]
    by_scores, policy = spread(torch.cat(scores)), Smoothed()
    assert distinct(policy, scores, by_scores) < distinct(
        policy, scores, policy_grid(policy, scores)
    )


def test_many_values_are_covered_without_a_gap() -> None:
    values = torch.cat([torch.rand(5000) * 0.1, torch.tensor([1.0])]).double()
    grid = spread(values)
    assert len(grid) <= FINEST
    assert (grid.diff() < 0).all()
    assert (grid[0], grid[-1]) == (values.max(), values.min())
    assert grid.diff().abs().max() < 0.005
    assert (grid < 0.1).sum() > FINEST / 2


def test_what_is_no_number_is_no_threshold() -> None:
    assert spread(torch.tensor([0.5, math.nan, math.inf, -math.inf])).tolist() == [0.5]
    assert len(policy_grid(Threshold(), [])) == 0
    assert len(policy_grid(Threshold(), [torch.empty(0)])) == 0
