import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from probexit.exits.replay import NO_EXIT
from probexit.experiments.methods.core.accounting import START, ExitValues
from probexit.experiments.risk_control.losses.before_first_correct import BeforeFirstCorrect
from probexit.experiments.risk_control.losses.inconsistent import Inconsistent
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.risk_control.losses.wrong_at_exit import WrongAtExit

PLACES = np.array([[0, 1, NO_EXIT, START]])


@pytest.fixture
def trace(hand_made):
    made = hand_made("-+", True)
    start = replace(made.start, answers=("gold",), correct=torch.tensor([True]))
    return replace(made, start=replace(start, answer_ids=torch.tensor([[1, 1, -1]])))


def test_by_hand(trace):
    trace_results = ExitValues.of([trace], 3, LostCorrect()).trace_results(PLACES)
    assert trace_results.correct.tolist() == [[0, 1, 1, 1]]
    assert trace_results.loss.tolist() == [[1, 0, 0, 0]]
    assert trace_results.thinking.tolist() == [[10, 20, 25, 0]]
    assert trace_results.answer.tolist() == [[5, 5, 7, 5]]  # 3 to close and 2 to answer
    assert trace_results.total.tolist() == [[15, 25, 32, 5]]


def test_thinking_that_begins_late(trace):
    late = replace(trace, begins=4, thinking=21)
    trace_results = ExitValues.of([late], 3, LostCorrect()).trace_results(PLACES)
    assert trace_results.thinking.tolist() == [[6, 16, 21, 0]]
    assert trace_results.answer[0, 2] == 32 - 4 - 21


def test_probing_is_paid_for(trace):
    exit_values = ExitValues.of([trace], 3, LostCorrect())
    trace_results = exit_values.trace_results(np.array([1]), np.array([9.0]))
    assert trace_results.total.tolist() == [20 + 5 + 9]


WRONG_START = {"answers": ("else",), "correct": torch.tensor([False])}
LOSSES = {  # at the start, at both cues, at the end
    LostCorrect(): ([1, 1, 0, 0], [0, 0, 0, 0]),
    WrongAtExit(): ([1, 1, 0, 0], [1, 1, 0, 0]),
    Inconsistent(): ([1, 1, 0, 0], [1, 1, 1, 0]),
    BeforeFirstCorrect(): ([1, 1, 0, 0], [1, 1, 0, 0]),
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("solved", [True, False])
def test_every_loss_at_every_place(hand_made, loss, solved):
    made = hand_made("-+", solved)
    made = replace(made, start=replace(made.start, **WRONG_START))
    places = np.array([[START, 0, 1, NO_EXIT]])
    found = ExitValues.of([made], 3, loss).trace_results(places).loss
    assert found.tolist() == [LOSSES[loss][0 if solved else 1]]


def test_traces_of_different_length(hand_made):
    traces = [hand_made("", True), hand_made("+-+", False)]
    trace_results = ExitValues.of(traces, 3, LostCorrect()).trace_results(np.array([NO_EXIT, 2]))
    assert trace_results.thinking.tolist() == [5, 30]
    assert trace_results.correct.tolist() == [1, 1]


def test_a_place_that_a_trace_does_not_have_is_nan(hand_made):
    exit_values = ExitValues.of([hand_made("-", True), hand_made("+-+", True)], 3, LostCorrect())
    assert math.isnan(exit_values.trace_results(np.array([2, 2])).correct[0])


def test_no_start_recorded(hand_made):
    exit_values = ExitValues.of([hand_made("+", True, start=None)], 3, LostCorrect())
    assert np.isnan(exit_values.trace_results(np.array([START])).correct).all()


def test_agrees_with_the_trace_itself(make_traces):
    traces = make_traces(60)
    exit_values = ExitValues.of(traces, 3, LostCorrect())
    for i, trace in enumerate(traces):
        for place in [NO_EXIT, *range(len(trace.cues))]:
            exit_index = None if place == NO_EXIT else place
            column = exit_values.columns[:, i, place]
            assert column[0] == trace.correct_at(exit_index)
            assert column[2] == trace.thinking_at(exit_index)
