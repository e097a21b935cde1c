"""How sure the model is of an answer, by hand."""

import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.replay import NO_EXIT
from probexit.experiments.risk_control.abstention import Answers, confidence_at


def test_at_a_cue_the_padding_does_not_count(hand_made):
    trace = hand_made("-+", True)
    ids = torch.tensor([[1, -1], [1, 1]])
    logs = torch.tensor([[0.25, 1.0], [0.5, 0.125]]).log()
    trace = replace(trace, cues=replace(trace.cues, answer_ids=ids, answer_logprobs=logs))
    assert confidence_at(trace, 0) == pytest.approx(0.25)
    assert confidence_at(trace, 1) == pytest.approx(0.25)  # the root of 1 / 16


def test_at_the_end_only_what_follows_the_thinking_counts(hand_made):
    logprobs = torch.zeros(25 + 7)
    logprobs[:26] = -9.0  # the thinking, and the token that ends it
    logprobs[26:] = math.log(0.5)
    trace = hand_made("-+", True, logprobs=logprobs)
    assert trace.thinking == 25
    assert confidence_at(trace, NO_EXIT) == pytest.approx(0.5)


def test_no_answer_is_no_confidence(hand_made):
    trace = hand_made("-+", True)
    nothing = replace(trace.cues, answers=("", "gold"), answer_ids=torch.tensor([[1, 1], [-1, -1]]))
    assert confidence_at(replace(trace, cues=nothing), 0) == 0
    assert confidence_at(replace(trace, cues=nothing), 1) == 0
    assert confidence_at(replace(trace, answer=""), NO_EXIT) == 0
    assert confidence_at(replace(trace, token_ids=trace.token_ids[:25]), NO_EXIT) > 0
    assert confidence_at(replace(trace, logprobs=trace.logprobs[:25]), NO_EXIT) == 0


def test_answers_where_each_trace_is_left(hand_made):
    traces = [hand_made("-+", True), hand_made("-+", False)]
    found = Answers.at(traces, torch.tensor([0, NO_EXIT]))
    assert found.wrong.tolist() == [True, True]
    assert Answers.at(traces, torch.tensor([1, 1])).wrong.tolist() == [False, False]
