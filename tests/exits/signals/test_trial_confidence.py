import math

import pytest

from probexit.exits.signals.trial_confidence import TrialConfidence


def test_by_hand(answers):
    trace = answers(["a", "b"], [[math.log(0.9), math.log(0.4)], [math.log(0.5)]])
    assert TrialConfidence().scores(trace).tolist() == pytest.approx([0.6, 0.5])


def test_padding_is_not_an_answer_token(answers):
    long, short = [-0.1] * 30, [-1.0]
    assert TrialConfidence().scores(answers(["a", "b"], [long, short]))[1] == pytest.approx(
        math.exp(-1)
    )


def test_no_answer_is_no_confidence(answers):
    assert TrialConfidence().scores(answers(["", "b"], [[], [0.0]])).tolist() == [0.0, 1.0]


def test_each_trial_costs_its_closing_and_its_answer(answers):
    trace = answers(["a", "b", ""], [[0.0, 0.0], [0.0], []])
    assert TrialConfidence(closing=4).cost(trace).tolist() == [6, 5, 4]


def test_without_cues(answers):
    assert TrialConfidence().scores(answers([])).tolist() == []
