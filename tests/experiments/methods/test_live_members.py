"""Rules that intervene or decide before thinking, on traces worked out by hand."""

import math
from dataclasses import replace

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.replay import NO_EXIT
from probexit.experiments.evaluation.choice import all_methods
from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.render.text import as_text
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.before_thinking.diff_adapt import DiffAdapt
from probexit.experiments.methods.before_thinking.difficulty import (
    Boundaries,
    QuestionDifficulty,
    labelled,
    mean_entropy,
)
from probexit.experiments.methods.before_thinking.question_router import QuestionRouter
from probexit.experiments.methods.before_thinking.think_or_not import ThinkOrNot
from probexit.experiments.methods.core.accounting import START
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.hidden_states.probe import ProbePreset
from probexit.experiments.methods.interventions.end_boost import EndBoostPreset
from probexit.experiments.methods.interventions.stop_temperature import StopTemperaturePreset
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.reference.full_run import FullRun
from probexit.experiments.methods.reference.full_run_again import FullRunAgain
from probexit.experiments.methods.reference.oracle import Oracle

MINE = (
    *(
        "activation_addition",
        "contrastive_steering",
        "iti",
        "nonlinear_iti",
        "diff_adapt",
        "efficiency_steering",
        "end_boost",
        "full_run_again",
    ),
    *("no_wait", "overclocking", "stop_temperature"),
)


def started(trace, right, state):
    """A trace whose answer before thinking is right or not, and the state it was given from."""
    hidden = torch.tensor(state, dtype=torch.float).expand(1, 3, -1)
    start = replace(trace.start, correct=torch.tensor([right]), hidden=hidden)
    return replace(trace, start=start)


# --- before thinking ---


EASY, NORMAL, HARD = QuestionDifficulty


def test_the_difficulty_of_a_question_by_its_runs(hand_made):
    bounds = Boundaries(entropy=0.5)
    pairs = [(0.8, 0.4), (0.8, 0.6), (0.2, 0.4), (0.5, 0.4)]  # the reference's example
    assert [bounds.label(*pair, 0.5) for pair in pairs] == [NORMAL, EASY, HARD, EASY]

    def run(right, entropy, problem):
        trace = hand_made("-", right)
        return replace(trace, problem=problem, entropies=torch.full_like(trace.entropies, entropy))

    traces = [run(right, 0.4, "half") for right in (True, False)] + [run(True, 0.4, "all")]
    assert labelled(traces, bounds) == {"half": EASY, "all": NORMAL}
    by_median = labelled([run(True, h, str(h)) for h in (0.1, 0.2, 0.9)], Boundaries())
    assert list(by_median.values()) == [NORMAL, NORMAL, EASY]


def test_the_entropy_of_a_run_is_the_mean_over_its_tokens(hand_made):
    entropies = torch.tensor([1.0397208, 0.0])  # of (.5, .25, .25), and of certainty
    assert mean_entropy(replace(hand_made("-", True), entropies=entropies)) == pytest.approx(
        0.519860, abs=1e-6
    )


def test_diff_adapt_gives_each_class_its_recipe(hand_made, bench, on_fit):
    kinds = {EASY: (True, 0.9, [0.0, 0.0]), NORMAL: (True, 0.1, [9.0, 0.0])}
    kinds |= {HARD: (False, 0.1, [0.0, 9.0])}
    fit = []
    for level, (right, entropy, state) in kinds.items():
        for i in range(8):
            trace = replace(hand_made("-", right), problem=f"{level}{i}")
            trace = replace(trace, entropies=torch.full_like(trace.entropies, entropy))
            fit.append(started(trace, True, state))
    test = [
        started(replace(hand_made("-", False), problem=str(i)), False, state)
        for i, state in enumerate([[0.0, 8.0], [8.0, 0.0], [0.5, 0.5]])
    ]
    context = replace(on_fit(fit, bench), splits=Splits(fit, [], test))
    method = DiffAdapt(Boundaries(entropy=0.5))
    recipes = method.recipes(context, bench) | method.controls(context, bench)
    assert recipes[""].routes == {"0": "hard", "1": "normal", "2": "easy"}
    whole, bare = recipes[""].treatments, recipes["without prompts"].treatments
    room = len(bench.reasoner.closing_ids()) + bench.reasoner.answer_tokens
    limits = {name: each.controller.max_thinking + room for name, each in whole.items()}
    assert limits == {"easy": max(32, room + 1), "normal": 80, "hard": max(40, room + 1)}
    assert {name: each.temperature for name, each in whole.items()} == {
        "easy": 0.5,
        "normal": 0.8,
        "hard": 0.4,
    }
    assert len({each.instruction for each in whole.values()}) == 3
    assert {each.instruction for each in bare.values()} == {""}
    assert set(recipes["always normal"].routes.values()) == {"normal"}


def test_an_instruction_changes_the_prompt_and_is_charged(bench, hand_made):
    prompt = torch.tensor(bench.reasoner.prompt("Start with 2. (1) add 5."))
    trace = replace(hand_made("-", True), prompt_ids=prompt, question="Start with 2. (1) add 5.")
    short = replace(bench, decoding=Decoding(8, temperature=1.0))
    (plain,) = InterventionRun().run(short, [trace], lambda: None)
    (told,) = InterventionRun(instruction="So.").run(short, [trace], lambda: None)
    longer = bench.reasoner.prompt("Start with 2. (1) add 5.\n\nSo.")
    assert plain.probing == 0
    assert 0 < len(longer) - len(prompt) < told.probing < len(longer)


def test_diff_adapt_needs_different_questions(hand_made, bench, on_fit):
    fit = [replace(hand_made("-", False), problem=str(i)) for i in range(5)]
    with pytest.raises(Unavailable, match="all questions are"):
        DiffAdapt().recipes(on_fit(fit, bench), bench)


@pytest.fixture
def routed(small, hand_made):
    """200 problems whose start state says whether the answer at once is right; two to test."""

    def mark(trace, i):
        return started(trace, i % 2 == 0, [4.0, 0.0] if i % 2 == 0 else [0.0, 4.0])

    context = small([hand_made("-+", True)] * 2, [(0.1, 0.2)] * 2)
    s = context.splits
    return replace(
        context,
        splits=Splits(
            *([mark(t, i) for i, t in enumerate(p)] for p in (s.fit, s.calibrate, s.test))
        ),
    )


def test_think_or_not_answers_at_once_what_it_can(routed):
    even, certified = ThinkOrNot().outcomes(routed)
    assert even.exits.tolist() == certified.exits.tolist() == [START, NO_EXIT]
    assert certified.certificate.certified
    assert certified.probing.tolist() == [0, 0]
    # all answers at once being wrong for half of the problems, the laxer threshold loses too much
    assert 0 < certified.threshold <= 1


def test_think_or_not_is_certified_on_the_calibration_split(routed):
    """If the calibration problems go wrong where the probe is sure, it never answers at once."""
    s = routed.splits
    worse = [started(t, False, t.start.hidden[0, 0].tolist()) for t in s.calibrate]
    even, certified = ThinkOrNot().outcomes(replace(routed, splits=Splits(s.fit, worse, s.test)))
    assert even.exits.tolist() == [START, NO_EXIT]
    assert certified.threshold == math.inf
    assert certified.exits.tolist() == [NO_EXIT, NO_EXIT]


def test_question_router_goes_by_the_words_alone(routed):
    def asked(trace):
        words = "What is 1 plus 1?" if trace.start.correct[0] else "Prove it!"
        return replace(trace, question=words)

    s = routed.splits
    context = replace(
        routed, splits=Splits(*([asked(t) for t in p] for p in (s.fit, s.calibrate, s.test)))
    )
    published, certified = QuestionRouter().outcomes(context)
    assert published.exits.tolist() == certified.exits.tolist() == [START, NO_EXIT]
    assert certified.certificate.certified
    # the states, which would tell the same, are not read
    blind = replace(s, test=[replace(t, question="Prove it!") for t in s.test])
    blind = Splits(context.splits.fit, context.splits.calibrate, blind.test)
    assert QuestionRouter().outcomes(replace(context, splits=blind))[0].exits.tolist() == [
        NO_EXIT,
        NO_EXIT,
    ]


def test_think_or_not_needs_recorded_starts(routed):
    s = routed.splits
    bare = [replace(trace, start=None) for trace in s.fit]
    with pytest.raises(Unavailable, match="record again"):
        ThinkOrNot().outcomes(replace(routed, splits=Splits(bare, s.calibrate, s.test)))


# --- with a model ---


def test_mine_are_found_and_live():
    found = all_methods()
    assert set(MINE) <= set(found)
    assert all(isinstance(found[name], LiveRule) and not found[name].replayed for name in MINE)
    assert found["think_or_not"].replayed


def test_live_rows_stand_in_the_table(bench, shipped, small, hand_made, tmp_path):
    questions = [item.question for _, item in zip(range(3), bench.task.items(), strict=False)]
    traces = [
        replace(hand_made("-+", True), prompt_ids=torch.tensor(shipped.prompt(question)))
        for question in questions
    ]
    context = small(traces, [(0.1, 0.6)] * 3)
    context = replace(context, bench=replace(bench, cache=tmp_path))
    methods = {
        "full_run": FullRun(),
        "full_run_again": FullRunAgain(),
        "end_boost": EndBoostPreset(strengths=(0.0, 3.0)),
        "stop_temperature": StopTemperaturePreset(temperatures=(1.0,)),
        "probe": ProbePreset(),
        "oracle": Oracle(),
    }
    table = compare(context, methods)
    again, off, over = (
        table.row("full_run_again"),
        table.row("end_boost", "alpha 0"),
        table.row("end_boost", "alpha 3"),
    )
    assert again.live
    assert again.exits == ()
    assert off.measures == again.measures == table.row("stop_temperature").measures
    assert over.measures.thinking.estimate == 0
    assert "generated anew" in as_text(table)
    assert as_text(table) == as_text(compare(context, methods))
    assert len(list(tmp_path.iterdir())) == 4


def test_families_come_in_the_order_of_the_table():
    families = [method.family for method in all_methods().values()]
    assert families == sorted(families, key=list(MethodFamily).index)
    assert {MethodFamily.STEERING, MethodFamily.INTERVENTION, MethodFamily.ROUTING} <= set(families)
