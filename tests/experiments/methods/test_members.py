"""Each rule on a few traces whose outcome can be worked out by hand."""

import math
from dataclasses import replace

import pytest
import torch

from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.exits.replay import NO_EXIT
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.accounting import START
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.hidden_states.lynx_calibration import LynxCalibration
from probexit.experiments.methods.hidden_states.probe import ProbePreset
from probexit.experiments.methods.reference.fixed_budget import FixedBudget
from probexit.experiments.methods.reference.full_run import FullRun
from probexit.experiments.methods.reference.no_thinking import NoThinking
from probexit.experiments.methods.reference.oracle import Oracle
from probexit.experiments.methods.reference.random_exit import RandomExit
from probexit.experiments.methods.trial_answers.answer_consistency import AnswerConsistency
from probexit.experiments.methods.trial_answers.trial_confidence import TrialConfidencePreset


@pytest.fixture
def three(small, hand_made):
    """Right from the second cue; right only at the second; never right."""
    traces = [hand_made("-++", True), hand_made("-+-", False), hand_made("---", False)]
    return small(traces, [(0.1, 0.6, 0.9), (0.1, 0.1, 0.75), (0.1, 0.2, 0.3)])


def exits(method, context):
    return {outcome.label: outcome.exits.tolist() for outcome in method.outcomes(context)}


def test_full_run(three):
    assert exits(FullRun(), three) == {"": [NO_EXIT] * 3}


def test_no_thinking(three):
    assert exits(NoThinking(), three) == {"": [START] * 3}


def test_no_thinking_needs_a_recorded_start(small, hand_made):
    with pytest.raises(Unavailable, match="record again"):
        NoThinking().outcomes(small([hand_made("+", True, start=None)], [(0.5,)]))


def test_oracle_leaves_at_the_earliest_right_cue_also_where_the_full_run_is_wrong(three):
    assert exits(Oracle(), three) == {"earliest right cue": [1, 1, NO_EXIT]}


def test_probe_at_its_certified_threshold(three):
    # .5 is the laxest of the grid that loses none of the 100 calibration problems; .1 loses all
    found = ProbePreset().outcomes(three)
    assert [outcome.threshold for outcome in found] == [math.inf, 0.5, 0.5]  # 2 % takes 114
    assert found[1].exits.tolist() == [1, 2, NO_EXIT]
    assert [outcome.probing.tolist() for outcome in found] == [[0, 0, 0], [2, 3, 3], [2, 3, 3]]


def test_probe_without_evidence_thinks_on(three):
    found = ProbePreset().outcomes(replace(three, alpha=0.001))[0]
    assert found.exits.tolist() == [NO_EXIT] * 3
    assert not found.certificate.certified
    assert "more" in found.certificate.statement


def test_fixed_budget_waits_for_the_next_cue(three):
    found = exits(FixedBudget(shares=(0.5, 1.0)), three)  # the fit split thinks for 25 tokens
    assert found["12 tokens"] == [1] * 3
    assert found["25 tokens"] == [2] * 3


def test_fixed_budget_certified(three):
    # calibration traces are wrong at their first cue, of 10 tokens, and right at 20
    assert exits(FixedBudget(), three)["certified 5 %"] == [1, 1, 1]


def test_random_exit_leaves_as_many_calibration_traces_as_the_probe(three):
    # the probe leaves all but the first thirty of these
    unsure = three.probe.of | {f"c{i}": (0.2, 0.3) for i in range(100, 130)}
    context = replace(three, probe=type(three.probe)(unsure))
    point = RandomExit().points(context)["as often as probe"]
    signal = RandomExit().signal(context)
    left = [bool((signal.scores(t) >= point).any()) for t in context.splits.calibrate]
    assert sum(left) == 70
    strict = replace(three, alpha=0.001)
    assert RandomExit().points(strict) == {"as often as probe": math.inf}


def test_trial_answer_at_its_published_threshold(small, hand_made):
    trace = hand_made("-++", True)
    sure = torch.log(torch.tensor([[0.99, 0.5], [0.96, 0.97], [1.0, 1.0]]))
    trace = replace(trace, cues=replace(trace.cues, answer_logprobs=sure))
    found = TrialConfidencePreset().outcomes(small([trace], [(0.0,) * 3]))[0]
    assert found.label == "published 0.95"
    assert found.exits.tolist() == [1]  # .99 and .5 have a mean of .70, .96 and .97 of .965
    assert found.probing.tolist() == [2 * (3 + 2)]


def test_equal_answers_certified(three):
    # calibration answers differ at both cues, so a run of 1 is all there is, and it is wrong
    assert exits(AnswerConsistency(), three)["certified 5 %"] == [NO_EXIT] * 3


def test_lynx_is_the_published_rule(three):
    # calibration cues: wrong ones score .2, right ones .8; so q_neg = .2, q_pos = .2, tau = .8
    found = LynxCalibration().outcomes(three)
    assert [outcome.label for outcome in found] == ["published 90 %", "published 95 %"]
    assert [outcome.threshold for outcome in found] == pytest.approx([0.8, 0.8])
    assert [outcome.exits.tolist() for outcome in found] == [[2, NO_EXIT, NO_EXIT]] * 2


def test_lynx_promises_nothing_about_problems(three):
    (found, _) = LynxCalibration().outcomes(three)
    assert found.certificate is None
    assert found.note == ClassConditional.promise.format(delta=0.1)
    assert "nothing about how often a problem exits wrongly" in found.note


def test_lynx_does_not_leave_at_the_quantile_itself(small, hand_made):
    """A score equal to q_neg is still in the unsafe set, though float32 cannot tell it apart."""
    context = small([hand_made("++", True)], [(0.7, 0.71)])
    known = context.probe.of | {f"c{i}": (0.7, 0.6) for i in range(200)}
    context = replace(context, probe=type(context.probe)(known))
    # q_neg = .7 and q_pos = .4, so tau = .7 and only scores above it leave
    assert LynxCalibration().outcomes(context)[0].exits.tolist() == [1]


def test_lynx_needs_both_grades(three, all_graded):
    splits = three.splits
    right = [all_graded(trace, True) for trace in splits.calibrate]
    with pytest.raises(Unavailable, match="harder problems"):
        LynxCalibration().outcomes(replace(three, splits=Splits(splits.fit, right, splits.test)))
