"""Several samples, answer or abstain, two models: on traces whose outcome is plain by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from probexit.exits.replay import NO_EXIT
from probexit.experiments.methods.abstaining.selective_answering import SelectiveAnswering
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.samples.deepconf_voting import DeepConfVoting
from probexit.experiments.methods.samples.first_finish_search import FirstFinishSearch
from probexit.experiments.methods.samples.fractured import Fractured
from probexit.experiments.methods.samples.fractured_majority import FracturedMajority
from probexit.experiments.methods.samples.pruning import MidGenerationPruning
from probexit.experiments.methods.samples.short_m import ShortMAtK
from probexit.experiments.methods.two_models.entropy_handover import (
    EntropyHandover,
    rolling_entropies,
)
from probexit.experiments.methods.two_models.spec_reason import SpecReasonPreset


def by_label(method, context):
    return {outcome.label: outcome for outcome in method.outcomes(context)}


@pytest.fixture
def three(small, hand_made):
    """Right from the second cue; right at first; right in the middle and at the end."""
    traces = [hand_made("-++", True), hand_made("++-", False), hand_made("-+-", True)]
    return small(traces, [(0.1, 0.6, 0.9)] * 3)


def test_fractured_leaves_with_the_leader_of_the_vote(three):
    found = by_label(Fractured(votes=(2,)), three)["2 votes"]
    assert found.exits.tolist() == [2, 1, NO_EXIT]  # "gold" a second time; wrong ones all differ
    assert found.probing.tolist() == [3 * 5, 2 * 5, 3 * 5]


def test_fractured_answers_with_the_majority_not_with_the_last(three):
    found = by_label(FracturedMajority(first=(2, 3, 4)), three)
    trace_results = {h: found[f"first {h}"].trace_results(three.exit_values) for h in (2, 3, 4)}
    assert trace_results[2].correct.tolist() == [1, 1, 1]  # a tie goes to the latest
    assert trace_results[3].correct.tolist() == [
        1,
        1,
        0,
    ]  # two of three; two; three different, the last
    assert trace_results[3].thinking.tolist() == [30, 30, 30]
    assert trace_results[3].loss.tolist() == [0, 0, 1]
    assert found["first 3"].probing.tolist() == [10, 10, 10]  # the third is decoded at the exit
    # fewer cues than votes: the full run's answer has a vote too
    assert found["first 4"].exits.tolist() == [NO_EXIT] * 3
    assert trace_results[4].correct.tolist() == [1, 1, 1]
    assert trace_results[4].thinking.tolist() == [35, 35, 35]


def unsure(trace, cue=None):
    """Halve the probability of each token of the answer at a cue, or at the end."""
    half = math.log(0.5)
    if cue is None:
        return replace(trace, logprobs=torch.full_like(trace.logprobs, half))
    logprobs = trace.cues.answer_logprobs.clone()
    logprobs[cue] = half
    return replace(trace, cues=replace(trace.cues, answer_logprobs=logprobs))


def test_selective_answering_keeps_unsure_answers_to_itself(small, hand_made):
    sure = hand_made("-++", True)
    traces = [sure, unsure(sure), unsure(sure, 1), hand_made("---", False, answer="")]
    scores = [(0.1, 0.6, 0.9)] * 3 + [(0.1, 0.1, 0.1)]
    context = replace(small(traces, scores), alpha=0.1)
    end, left, scored = SelectiveAnswering().outcomes(context)
    # all calibration answers are certain and right, so what is less certain is not covered
    assert end.threshold == left.threshold == 1.0
    assert end.exits.tolist() == [NO_EXIT] * 4
    assert end.answered.tolist() == [True, False, True, False]
    assert end.trace_results(context.exit_values).correct.tolist() == [1, 0, 1, 0]
    # the probe leaves at .5, certified on half of the calibration problems
    assert left.exits.tolist() == [1, 1, 1, NO_EXIT]
    assert left.answered.tolist() == [True, True, False, False]
    trace_results = left.trace_results(context.exit_values)
    assert trace_results.correct.tolist() == [1, 1, 0, 0]
    assert trace_results.thinking.tolist() == [20, 20, 20, 35]
    assert "answers 50% of the test problems" in left.certificate.statement
    # by the probe's own score: calibration problems are left at .8, so .6 is not sure enough
    assert scored.threshold == pytest.approx(0.8)
    assert scored.answered.tolist() == [False] * 4


def test_selective_answering_uses_each_calibration_problem_for_one_promise(small):
    """Half of 100 problems at half of delta: .95 ** 50 = .077 is not below .05, so nothing."""
    end, left, _ = SelectiveAnswering().outcomes(small([], []))
    assert end.certificate.certified
    assert end.certificate.n == 100
    assert not left.certificate.certified
    assert (left.certificate.n, left.certificate.delta) == (50, 0.05)


def test_an_abstention_loses_nothing(small, hand_made):
    context = replace(small([unsure(hand_made("-++", True), 0)], [(0.6, 0.1, 0.1)]), alpha=0.1)
    left = SelectiveAnswering().outcomes(context)[1]
    assert left.exits.tolist() == [0]  # wrong there, and the full run was right
    assert left.trace_results(context.exit_values).loss.tolist() == [0]
    assert context.exit_values.trace_results(np.array([0])).loss.tolist() == [1]


def test_few_of_the_answers_given_are_wrong(context):
    context = replace(context, alpha=0.2)
    left = SelectiveAnswering().outcomes(context)[1]
    assert left.certificate.certified
    assert 0.2 < left.coverage < 1
    right = left.trace_results(context.exit_values).correct.sum()
    assert 1 - right / left.answered.sum() <= 0.2 + 0.06
    everything = context.exit_values.trace_results(left.exits.numpy()).correct.mean()
    assert 1 - everything > 0.2  # without abstaining more would be wrong


def test_selective_curves_end_at_the_risk_of_answering_all(context):
    curves = SelectiveAnswering().curves(context)
    wrong = np.mean([not trace.correct for trace in context.splits.test])
    assert curves["full run"].risk[-1] == pytest.approx(wrong)
    left = curves["where the probe leaves"]
    assert left.risk[4] < left.risk[-1]  # at the exit the answer's probability tells


def rules(method, context):
    return {label: recipe.rule for label, recipe in method.recipes(context, None).items()}


def test_rules_over_samples_are_the_published_ones(context):
    assert [(r.k, r.m) for r in rules(ShortMAtK(), context).values()] == [(4, 4), (4, 3), (4, 1)]
    assert [(r.k, r.m) for r in rules(FirstFinishSearch(), context).values()] == [(2, 1), (8, 1)]
    found = rules(DeepConfVoting(), context)
    assert {name: rule.keep for name, rule in found.items()} == {"high": 90, "low": 10}
    mean = np.mean([trace.thinking for trace in context.splits.fit])
    assert found["low"].window == round(mean / 8)


def test_pruning_learns_from_prefixes(context):
    """Right runs are given surer tokens from the start: then only unsure samples are stopped."""
    fit = [
        replace(trace, logprobs=trace.logprobs * (0.2 if trace.correct else 1.0))
        for trace in context.splits.fit
    ]
    rule = MidGenerationPruning().rule(fit)
    assert rule.floor == pytest.approx(np.mean([trace.correct for trace in fit]))
    assert rule.at[1] == pytest.approx(2 * rule.at[0], abs=1)
    rows = [(t.correct, rule.probe.score(_features(t, rule.at[0]))) for t in fit if _long(t, rule)]
    kept = {ok: np.mean([float(s) >= rule.floor for c, s in rows if c == ok]) for ok in (0, 1)}
    assert kept[1] > 0.8
    assert kept[0] < 0.2


def _long(trace, rule):
    return len(trace.token_ids) > rule.at[0]


def _features(trace, n):
    from probexit.exits.samples.pruning import features

    return features(trace.logprobs[:n], trace.entropies[:n], trace.confidences[:n])


def test_pruning_needs_right_and_wrong_runs(context, all_graded):
    with pytest.raises(Unavailable, match="record harder problems"):
        MidGenerationPruning().rule([all_graded(t, True) for t in context.splits.fit])


def test_rolling_entropies_by_hand(hand_made):
    trace = hand_made("", True, entropies=torch.tensor([1.0, 3.0, 5.0, 1.0]))
    short = hand_made("", True, entropies=torch.tensor([9.0]))
    assert rolling_entropies([trace, short], 2).tolist() == [0, 2, 4, 3]


def test_hand_over_thresholds_are_quantiles_of_the_recording(context):
    rolling = rolling_entropies(context.splits.fit, 5)
    for label, engine in EntropyHandover().engines(context).items():
        share = float(label.split()[0]) / 100
        assert np.mean(rolling > engine.threshold) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("method", [EntropyHandover(), SpecReasonPreset()])
def test_two_models_take_two_models(method, context):
    bench = SimpleNamespace(reasoner=SimpleNamespace(name="somebody/model"))
    with pytest.raises(Unavailable, match=r"needs a second model .* --second"):
        method.recipes(context, bench)
