"""Fresh answers held against recorded ones, by hand."""

from dataclasses import dataclass

import pytest
import torch

from probexit.experiments.methods.online.outcome import FreshOutcome, fresh_loss
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.risk_control.losses.base import Loss
from probexit.experiments.risk_control.losses.before_first_correct import BeforeFirstCorrect
from probexit.experiments.risk_control.losses.inconsistent import Inconsistent
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.experiments.risk_control.losses.wrong_at_exit import WrongAtExit


def fresh(answer, correct, **changes):
    return Fresh(
        **{"problem": "p", "thinking": 20, "answer_tokens": 6, **changes},
        answer=answer,
        correct=correct,
    )


@pytest.mark.parametrize(
    ("loss", "answer", "correct", "expected"),
    [
        (LostCorrect(), "wrong", False, 1.0),
        (LostCorrect(), "gold", True, 0.0),
        (WrongAtExit(), "wrong", False, 1.0),
        (Inconsistent(), "wrong", False, 1.0),
        (Inconsistent(), "gold", True, 0.0),
        (BeforeFirstCorrect(), "wrong", False, 1.0),
        (BeforeFirstCorrect(), "gold", True, 0.0),
    ],
)
def test_the_loss_is_against_the_recorded_full_run(hand_made, loss, answer, correct, expected):
    trace = hand_made("-++", True)  # the full run answers "gold", rightly
    assert fresh_loss(loss, fresh(answer, correct), trace, answer == trace.answer) == expected


def test_what_the_full_run_had_wrong_cannot_be_lost(hand_made):
    assert fresh_loss(LostCorrect(), fresh("x", False), hand_made("---", False), False) == 0.0


def test_a_trace_without_cues(hand_made):
    assert fresh_loss(LostCorrect(), fresh("x", False), hand_made("", True), False) == 1.0


def test_tally_by_hand(hand_made):
    traces = [hand_made("-+", True), hand_made("-+", True), hand_made("--", False)]
    results = [
        fresh("gold", True),
        fresh("no", False, thinking=9, probing=4, exited=True),
        fresh("gold", True),
    ]
    found = FreshOutcome.of("p", results, traces, LostCorrect(), lambda a, b: a == b)
    trace_results = found.trace_results(None)
    assert trace_results.correct.tolist() == [1, 0, 1]
    assert trace_results.loss.tolist() == [0, 1, 0]
    assert trace_results.total.tolist() == [26, 19, 26]
    assert found.live
    assert found.exits.tolist() == []
    assert found.exited == pytest.approx(1 / 3)


def test_answers_are_compared_as_the_task_does(hand_made):
    trace = hand_made("-+", True)
    same = [lambda a, b: True, lambda a, b: False]
    losses = [
        FreshOutcome.of("", [fresh("1/2", True)], [trace], Inconsistent(), s)
        .trace_results(None)
        .loss[0]
        for s in same
    ]
    assert losses == [0, 1]


@dataclass(frozen=True)
class FirstAnswer(Loss):
    """A user's loss that reads answers: 1 where one is "no"."""

    def at_cues(self, trace):
        return torch.tensor([float(answer == "no") for answer in trace.cues.answers])

    def at_answer(self, trace, answer):
        return float(answer.text == "no")


def test_a_loss_of_the_users_own_sees_the_fresh_answer(hand_made):
    trace = hand_made("-+", True)
    assert fresh_loss(FirstAnswer(), fresh("no", False), trace, False) == 1.0
    assert fresh_loss(FirstAnswer(), fresh("yes", False), trace, False) == 0.0
