import math

import pytest
import torch

from probexit.exits.policies.patience import Patience
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT
from probexit.experiments.methods.core.threshold_sweep import Point, ThresholdSweep

GRID = torch.tensor([0.9, 0.5, 0.1])


@pytest.fixture
def traces(hand_made):
    return [hand_made("-+", True, problem="a"), hand_made("", True, problem="b")]


@pytest.fixture
def sweep(given_scores):
    return ThresholdSweep(given_scores({"a": (0.3, 0.6), "b": ()}), Threshold(), GRID)


def test_exits_by_hand(sweep, traces):
    assert sweep.exits(traces, GRID).tolist() == [[NO_EXIT, 1, 0], [NO_EXIT] * 3]


def test_probing_is_paid_up_to_and_with_the_exit(sweep, traces):
    exits = sweep.exits(traces, GRID)
    assert sweep.probing(traces, exits).tolist() == [[2, 2, 1], [0, 0, 0]]


def test_a_threshold_never_reached_probes_nothing(sweep, traces):
    (outcome,) = sweep.outcomes(traces, [Point("never", math.inf)])
    assert outcome.exits.tolist() == [NO_EXIT, NO_EXIT]
    assert outcome.probing.tolist() == [0, 0]


def test_the_policy_is_kept(given_scores, hand_made):
    trace = hand_made("-++", True, problem="a")
    twice = ThresholdSweep(given_scores({"a": (0.6, 0.6, 0.6)}), Patience(patience=2), GRID)
    assert twice.exits([trace], torch.tensor([0.5])).tolist() == [[1]]


def test_certified_is_the_last_that_passes_not_the_first_that_fails(small, given_scores):
    context = small([], [])
    sweep = ThresholdSweep(context.probe, Threshold(), torch.tensor([0.9, 0.5, 0.25, 0.15, 0.1]))
    point = sweep.certified(context, 0.05)  # .2 and below exits at the wrong first cue
    assert point.threshold == 0.25
    assert point.label == "certified 5 %"
    assert point.certificate.losses == 0
