"""The rules that read trial answers, on a few traces whose outcome can be worked out by hand."""

import math
from dataclasses import replace

import pytest
import torch

from probexit.calibration.statistics.upper_bounds import Hoeffding as HoeffdingBound
from probexit.exits.replay import NO_EXIT
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.threshold_sweep import whole_numbers
from probexit.experiments.methods.trial_answers.answer_consistency import AnswerConsistency
from probexit.experiments.methods.trial_answers.code_stop import CodeStop
from probexit.experiments.methods.trial_answers.deer import Deer
from probexit.experiments.methods.trial_answers.deer_geometric import DeerByGeometricMean
from probexit.experiments.methods.trial_answers.dynasor import Dynasor
from probexit.experiments.methods.trial_answers.es_cot import EsCot
from probexit.experiments.methods.trial_answers.learn_stop import HoeffdingTail, LearnStop


@pytest.fixture
def saying(small, hand_made):
    """``saying(["7", "7"], ..)``: a context whose test traces answer so, every 10 tokens."""

    def make(*traces):
        made = []
        for texts in traces:
            trace = hand_made("+" * len(texts), True)
            made.append(replace(trace, cues=replace(trace.cues, answers=tuple(texts))))
        return small(made, [(0.0,) * len(texts) for texts in traces])

    return make


def outcome(method, context, label):
    return next(o for o in method.outcomes(context) if o.label == label)


def spaced(context, tokens):
    """The same test traces with a cue every so many tokens."""
    test = []
    for trace in context.splits.test:
        positions = tokens * torch.arange(1, len(trace.cues) + 1) - 1
        test.append(replace(trace, cues=replace(trace.cues, positions=positions)))
    return replace(context, splits=Splits(context.splits.fit, context.splits.calibrate, test))


def test_answer_consistency_at_its_published_points(saying):
    context = saying(["6", "7", "7", "7", "7"], ["7"] * 12, ["7", "17", "7", "7"], [""] * 11)
    ten, three = (outcome(AnswerConsistency(), context, f) for f in ("published k = 10", "k = 3"))
    assert ten.exits.tolist() == [NO_EXIT, 9, NO_EXIT, NO_EXIT]
    assert three.exits.tolist() == [3, 2, NO_EXIT, NO_EXIT]
    assert three.probing.tolist() == [4 * 5, 3 * 5, 4 * 5, 11 * 5]  # 3 to close, 2 to answer


def test_es_cot_at_its_published_point(saying):
    jump = ["a", "b", "b", "c", *["d"] * 12]  # runs 1 2 1 12: a jump of 11, exits one before
    early = ["a", "b", *["d"] * 30]  # one difference before the jump: no test, no exit
    found = outcome(
        EsCot(), saying(jump, early, ["", "a", "", "b", *[""] * 20]), "published d = 10"
    )
    assert found.exits.tolist() == [14, NO_EXIT, NO_EXIT]
    assert found.probing.tolist() == [15 * 5, 32 * 5, 24 * 5]


def test_dynasor_at_its_efforts(saying):
    # every cue is 64 tokens after the last: all are probes; "no" in "know" is no hesitation
    sayings = ["know 7"] * 9, ["know 7, no"] * 9, ["7"] * 4 + ["8"] * 5, [""] * 9
    context = spaced(saying(*sayings), 64)
    exits = {o.label: o.exits.tolist() for o in Dynasor().outcomes(context)}
    assert exits["effort mild"] == [7, NO_EXIT, NO_EXIT, NO_EXIT]
    assert exits["effort low"] == [4, NO_EXIT, 8, NO_EXIT]
    assert exits["effort mid"] == [2, NO_EXIT, 2, NO_EXIT]
    assert exits["effort high"] == exits["effort crazy"] == [1, NO_EXIT, 1, NO_EXIT]


def test_dynasors_last_effort_probes_twice_as_often(saying):
    context = spaced(saying(["7"] * 9), 16)  # probes at every fourth cue; crazy at every second
    high, crazy = (outcome(Dynasor(), context, f"effort {e}") for e in ("high", "crazy"))
    assert (high.exits.tolist(), crazy.exits.tolist()) == ([7], [3])
    assert high.probing.tolist() == crazy.probing.tolist() == [2 * 5]


@pytest.mark.parametrize(
    ("method", "published", "coded"), [(Deer(), 1, 0), (DeerByGeometricMean(), 2, 0)]
)
def test_deer(small, hand_made, method, published, coded):
    trace = hand_made("---", True)
    sure = torch.log(torch.tensor([[0.7, 1.0], [0.91, 0.99], [0.97, 0.95]]))
    sure[1] = torch.log(torch.tensor([0.905, 0.996]))  # means .9505 and .9494
    context = small([replace(trace, cues=replace(trace.cues, answer_logprobs=sure))], [(0.0,) * 3])
    found = outcome(method, context, "published 0.95")
    assert found.exits.tolist() == [published]
    assert found.probing.tolist() == [(published + 1) * 5]
    # without its first token, which is the answer, the first trial looks certain
    assert outcome(method, context, "0.95, as coded").exits.tolist() == [coded]


def test_deer_makes_ten_trials_and_pays_for_ten(small, hand_made):
    trace = hand_made("+" * 12, True)
    sure = torch.full((12, 2), math.log(0.5))
    sure[10:] = 0.0
    context = small([replace(trace, cues=replace(trace.cues, answer_logprobs=sure))], [(0.0,) * 12])
    found = outcome(Deer(), context, "published 0.95")
    assert found.exits.tolist() == [NO_EXIT]
    assert found.probing.tolist() == [10 * 5]


def test_code_stop_arrives_or_gives_up(small, hand_made):
    sure, unsure = hand_made("-++", True), hand_made("---", False)
    high = torch.log(torch.tensor([[0.92], [0.94], [0.96]]))
    low = torch.log(torch.tensor([[0.1], [0.1], [0.9]]))
    test = [
        replace(trace, cues=replace(trace.cues, answer_ids=torch.ones(3, 1), answer_logprobs=p))
        for trace, p in ((sure, high), (unsure, low))
    ]
    found = outcome(CodeStop(), small(test, [(0.0,) * 3] * 2), "published form")
    # tau is 2: reached by two unstable steps, the first weighted by log(20 / 10) + 1
    assert found.exits.tolist() == [2, 1]


def test_code_stops_tau_is_what_a_tenth_of_the_fit_traces_exceeds(context):
    signal = CodeStop().signal(context)
    ends = [signal.degeneration(t)[-1] for t in context.splits.fit if len(t.cues)]
    above = sum(float(end) > signal.tau for end in ends) / len(ends)
    assert above == pytest.approx(0.1, abs=0.01)
    assert CodeStop(least=50.0).signal(context).tau == 50


def test_learn_stop_learns_who_is_right(context):
    found = outcome(LearnStop(), context, "certified 5 %")
    trace_results = found.trace_results(context.exit_values)
    assert trace_results.loss.mean() <= 0.05
    assert found.exited > 0.5
    signal = LearnStop().sweep(context).signal
    scores = torch.cat([signal.scores(t) for t in context.splits.test])
    right = torch.cat([t.cues.correct for t in context.splits.test])
    assert scores[right].mean() > scores[~right].mean() + 0.3


def test_learn_stops_own_certificate_is_the_papers_formula_and_dearer(context):
    rows = {o.label: o for o in LearnStop().outcomes(context)}
    assert rows["certified 5 %"].certificate.certified
    assert rows["union bound 5 %"].threshold == math.inf  # takes 1060 problems, here are some 300
    union, sweep = rows["union bound 15 %"], LearnStop().sweep(context)
    assert (union.certificate.alpha, union.certificate.n) == (0.15, len(context.splits.calibrate))
    few = sweep.grid[torch.linspace(0, len(sweep.grid) - 1, 20).round().long()]
    traces = context.splits.calibrate
    risk = context.loss.table(traces, sweep.exits(traces, few)).mean(0)
    passed = risk + math.sqrt(math.log(20 / 0.1) / (2 * union.certificate.n)) <= 0.15
    assert union.threshold == float(few[passed.nonzero()[0][-1]])
    ours = outcome(LearnStop(), replace(context, alpha=0.15), "certified 15 %")
    assert union.threshold > ours.threshold


def test_hoeffdings_test_is_his_bound():
    losses = torch.zeros(500, 2, dtype=torch.float64).numpy()
    losses[:20, 0], losses[:200, 1] = 1, 1
    bound = HoeffdingBound().of(losses, 0.1)
    assert bound[0] == pytest.approx(0.0879853)  # golden value
    assert HoeffdingTail().of(losses, float(bound[0]))[0] == pytest.approx(0.1)
    assert HoeffdingTail().of(losses, 0.1)[1] == 1


@pytest.mark.parametrize("right", [True, False])
def test_learn_stop_needs_both_grades(context, all_graded, right):
    splits = context.splits
    fit = [all_graded(trace, right) for trace in splits.fit]
    with pytest.raises(Unavailable, match="harder problems"):
        LearnStop().outcomes(replace(context, splits=Splits(fit, splits.calibrate, splits.test)))


def test_whole_numbers_end_at_one(hand_made):
    assert whole_numbers([hand_made("+++", True), hand_made("", True)], 2).tolist() == [3, 2, 1]
    assert whole_numbers([], 2).tolist() == [2, 1]
