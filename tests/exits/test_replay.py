"""Replay against a loop that shows the policy one history after another."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.smoothed import Smoothed
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT, exit_table, exits


def naive(policy: ExitPolicy, scores: Tensor, threshold: float) -> int:
    at = replace(policy, threshold=threshold)
    history = scores.double()
    crossed = [t for t in range(len(scores)) if at.should_exit(history[None, : t + 1])]
    return crossed[0] if crossed else NO_EXIT


@pytest.mark.parametrize("policy", [Threshold(), Patience(), Smoothed()])
def test_table_equals_the_naive_loop(policy: ExitPolicy) -> None:
    lengths = torch.randint(0, 9, (60,)).tolist()
    scores = [torch.randint(0, 9, (c,)) / 8 for c in [0, *lengths]]
    grid = torch.tensor([float("inf"), 1.0, 0.75, 0.6, 0.5, 0.25, 0.0])
    expected = [[naive(policy, s, float(threshold)) for threshold in grid] for s in scores]
    assert exit_table(policy, scores, grid).tolist() == expected


def test_columns_follow_the_grid_whatever_its_order() -> None:
    scores = [torch.tensor([0.1, 0.5, 0.9])]
    assert exit_table(Threshold(), scores, torch.tensor([0.9, 0.5, 0.1])).tolist() == [[2, 1, 0]]
    assert exit_table(Threshold(), scores, torch.tensor([0.1, 0.9, 0.5])).tolist() == [[0, 2, 1]]


def test_no_traces_and_no_cues() -> None:
    grid = torch.tensor([0.5])
    assert exit_table(Threshold(), [], grid).shape == (0, 1)
    assert exit_table(Threshold(-1.0), [torch.empty(0)], grid).tolist() == [[NO_EXIT]]
    assert exits(Threshold(0.5), [torch.empty(0), torch.tensor([0.6])]) == [None, 0]


def test_a_threshold_just_above_a_score_does_not_exit() -> None:
    """LYNX's quantile needs it: in single precision the two would be one number."""
    score = torch.tensor([0.3])
    above = torch.tensor(float(score)).double().nextafter(torch.tensor(1.0).double())
    assert exits(Threshold(float(above)), [score]) == [None]
    assert exits(Threshold(float(score)), [score]) == [0]
