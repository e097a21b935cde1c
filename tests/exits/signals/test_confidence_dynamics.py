import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.signals.confidence_dynamics import ConfidenceDynamics


@pytest.fixture
def sure(answers):
    """``sure(.9, .4)``: trial answers of one token with these probabilities, every 10 tokens."""

    def make(*probabilities):
        trace = answers(["7"] * len(probabilities), [[math.log(p)] for p in probabilities])
        positions = 10 * torch.arange(1, len(probabilities) + 1) - 1
        return replace(trace, cues=replace(trace.cues, positions=positions))

    return make


def test_degeneration_by_hand(sure):
    # 2c - c' at .5 .9 .6 .5: .5 (c' = c), 1.3, .3, .4; so all but the second are unstable
    found = ConfidenceDynamics().degeneration(sure(0.5, 0.9, 0.6, 0.5)).tolist()
    first = [1, 1 + math.log(2), 1 + math.log(3), 1 + math.log(4)]  # weight of the first step
    third = [0, 0, 1, 1 + math.log(4 / 3)]
    fourth = [0, 0, 0, 1]
    expected = [a + b + c for a, b, c in zip(first, third, fourth, strict=True)]
    assert found == pytest.approx(expected)


def test_the_demanded_confidence_rises_in_two_steps(sure):
    # r_1 = .925, r_2 = .95 and so on: of three times .93 only the first is enough
    published = ConfidenceDynamics(tau=1e9)
    assert (published.scores(sure(0.93, 0.93, 0.93)) >= 0).tolist() == [True, False, False]
    assert (published.scores(sure(0.92, 0.94, 0.96)) >= 0).tolist() == [False, False, True]


@pytest.mark.parametrize("tau", [1.5, 2.5])
def test_the_published_threshold_gives_up_at_tau(sure, tau):
    trace = sure(0.1, 0.1, 0.1, 0.1)
    signal = ConfidenceDynamics(tau=tau)
    given_up = signal.scores(trace) >= 0
    assert given_up.tolist() == (signal.degeneration(trace) >= tau).tolist()
    assert given_up.any()
    assert not given_up.all()


def test_a_stricter_threshold_asks_as_many_times_more_of_both(sure):
    signal, doubled = ConfidenceDynamics(tau=1.2), ConfidenceDynamics(tau=2.4).degeneration
    trace = sure(0.1, 0.1, 0.1, 0.1)
    strict = signal.scores(trace) >= math.log(2)
    assert strict.tolist() == (doubled(trace) >= 2.4).tolist() == [False, True, True, True]
    # twice the odds of .925 are those of .961, twice those of .95 make .974
    assert (signal.scores(sure(0.97, 0.97, 0.98)) >= math.log(2)).tolist() == [True, False, True]


def test_the_surest_answer_is_above_every_other_and_finite(sure):
    scores = ConfidenceDynamics().scores(sure(1.0, 1.0, 0.9999))
    assert scores.isfinite().all()
    assert scores[0] > scores[1] > scores[2]  # the first may be less sure


def test_no_answer_is_no_confidence(answers):
    trace = answers([""], [[]])
    assert ConfidenceDynamics().degeneration(trace).tolist() == [1.0]
    assert ConfidenceDynamics(tau=2.0).scores(trace).tolist() == pytest.approx([-math.log(2)])


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"tau": 0}, "tau=0"), ({"steps": 0}, "steps=0"), ({"r_max": 1}, "r_max")],
)
def test_impossible_settings_are_refused(settings, name):
    with pytest.raises(ValueError, match=name):
        ConfidenceDynamics(**settings)
