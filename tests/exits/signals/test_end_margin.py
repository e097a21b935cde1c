from dataclasses import replace
from math import log

import pytest
import torch

from probexit.exits.signals.end_margin import EndMargin


def test_by_hand(answers):
    trace = answers("abc")  # the end is third, second and first of the list
    top = torch.log(torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.7, 0.2, 0.1]]))
    end = torch.log(torch.tensor([0.1, 0.4, 0.7]))
    trace = replace(trace, cues=replace(trace.cues, top_logprobs=top, end_logprob=end))
    expected = [log(0.1 / 0.6), log(0.4 / 0.5), log(0.7 / 0.2)]  # not log(.7 / .7): that is itself
    assert EndMargin().scores(trace).tolist() == pytest.approx(expected)


def test_a_tie_is_a_margin_of_zero(answers):
    trace = answers("a")
    top = torch.log(torch.tensor([[0.4, 0.4, 0.2]]))
    cues = replace(trace.cues, top_logprobs=top, end_logprob=top[:, 0])
    assert EndMargin().scores(replace(trace, cues=cues)).tolist() == [0.0]


def test_one_token_is_not_enough(answers):
    with pytest.raises(ValueError, match="holds 1: record again"):
        EndMargin().scores(answers("a"))
