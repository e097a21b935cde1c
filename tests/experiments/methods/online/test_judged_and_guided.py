"""Solve-Detect-Verify and Otter as rows: what they learn from, and what they charge."""

from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.signals.position import Position
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.interventions.otter import Otter, pairs_of
from probexit.experiments.methods.more_compute.solve_detect_verify import SolveDetectVerifyPreset
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.recording.tasks.by_name import task


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(150, temperature=1.0, seed=1), quiet=True)


@pytest.fixture(scope="module")
def trace(bench, make_traces):
    (made,) = make_traces(1)
    (item,) = islice(bench.task.items(), 1, 2)
    prompt = torch.tensor(bench.reasoner.prompt(item.question))
    return replace(made, problem=item.id, prompt_ids=prompt, gold=item.gold, question=item.question)


class Sure(Position):
    """A probe that is always of one mind."""

    def __init__(self, score):
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "recorded", (3,))

    def live(self, state):
        return torch.full((1,), self.score)


def judged(bench, trace, score):
    context = SimpleNamespace(probe=Sure(score))
    recipe = SolveDetectVerifyPreset().recipes(context, bench)["stated answer, probe"]
    (fresh,) = recipe.run(bench, [trace], lambda: None)
    return fresh


def test_a_solution_that_the_probe_rejects_is_written_anew(bench, trace):
    kept, sent = judged(bench, trace, 0.9), judged(bench, trace, 0.1)
    assert kept.exited  # the first stated answer, at the first hesitation
    assert kept.probing == 0
    assert sent.probing > kept.thinking + kept.answer_tokens


def test_asked_in_words_it_costs_and_changes_nothing_here(bench, trace):
    short = replace(bench, decoding=Decoding(90, temperature=1.0))
    recipe = SolveDetectVerifyPreset().recipes(SimpleNamespace(probe=Sure(0.9)), short)[""]
    (fresh,) = recipe.run(short, [trace], lambda: None)
    assert not fresh.exited
    assert fresh.probing > 4 * len(trace.prompt_ids)


def test_pairs_are_of_one_problem_right_and_wrong(hand_made):
    trace = hand_made("-+", True)  # wrong at the first cue, right at the second and at the end
    closing = [7, 8]
    pairs = pairs_of([trace], closing, 4)
    prompt = trace.prompt_ids.tolist()
    assert len(pairs) == 2
    assert {len(pair.worse) for pair in pairs} == {
        len(prompt) + int(trace.cues.positions[0]) + 1 + 2 + int(trace.cues.answer_tokens[0])
    }
    assert pairs[0].better == [*prompt, *trace.token_ids.tolist()]
    assert len(pairs_of([trace], closing, 1)) == 1
    assert pairs_of([hand_made("++", True)], closing, 4) == []


def test_otter_needs_right_and_wrong_answers(small, hand_made, bench):
    context = small([hand_made("-+", True)], [(0.1, 0.2)])
    fit = [hand_made("++", True)]
    context = replace(context, splits=Splits(fit, [], []))
    with pytest.raises(Unavailable, match="right and wrong answers"):
        Otter().recipes(context, bench)
