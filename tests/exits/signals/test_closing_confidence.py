from dataclasses import replace
from math import log

import pytest
import torch

from probexit.exits.signals.base import Trial
from probexit.exits.signals.closing_confidence import ClosingConfidence


def test_by_hand(answers):
    trace = answers("ab")  # sure; between four tokens; what follows them does not matter
    column = torch.tensor([[0.0, 5.0], [log(4), 0.0]])
    trace = replace(trace, cues=replace(trace.cues, answer_entropies=column))
    signal = ClosingConfidence(closing=3)
    assert signal.scores(trace).tolist() == pytest.approx([1.0, 0.25])
    assert signal.cost(trace).tolist() == [3, 3]
    assert signal.trial is Trial.CLOSING


def test_never_above_the_probability_of_the_likeliest_token():
    p = torch.rand(500, 6) ** 4
    p /= p.sum(-1, keepdim=True)
    entropy = -(p * p.log()).sum(-1)
    assert (entropy.neg().exp() <= p.amax(-1) + 1e-6).all()


def test_without_cues(answers):
    trace = answers([])
    none = replace(trace.cues, answer_entropies=torch.empty(0, 0))
    assert ClosingConfidence().scores(replace(trace, cues=none)).tolist() == []
