from dataclasses import replace
from math import exp, inf

import pytest
import torch

from probexit.exits.signals.momentum import MomentumRatio


@pytest.fixture
def trace(answers):
    """Steps of the tokens 1-2, 3 and 4-5, with mean negative log-probabilities 1, 3 and .5."""
    logprobs = -torch.tensor([50.0, 0.5, 1.5, 3.0, 1.0, 0.0, 50.0])
    made = replace(answers("abc"), begins=1, logprobs=logprobs)
    return replace(made, cues=replace(made.cues, positions=torch.tensor([2, 3, 5])))


def test_by_hand(trace):
    # the momentum before each step: none, 1, .9 * 1 + .1 * 3 = 1.2
    expected = [-inf, exp(1 - 3), exp(1.2 - 0.5)]
    assert MomentumRatio().scores(trace).tolist() == pytest.approx(expected)


def test_without_memory_it_is_the_step_before(trace):
    expected = [-inf, exp(1 - 3), exp(3 - 0.5)]
    assert MomentumRatio(alpha=0.0).scores(trace).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("alpha", [-0.1, 1.0])
def test_refuses_a_weight_that_is_none(alpha):
    with pytest.raises(ValueError, match="alpha="):
        MomentumRatio(alpha)
