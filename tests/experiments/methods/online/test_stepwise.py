"""Stepwise rules on the shipped reasoner: few problems, short runs."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.stepwise.base import Assignment
from probexit.exits.engines.stepwise.confidence_injection import ConfidenceInjection
from probexit.exits.engines.stepwise.momentum_scaling import (
    MomentumScaling,
    MomentumTrigger,
    RandomTrigger,
)
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.interventions.concise import Concise
from probexit.experiments.methods.more_compute.mur import Mur, step_logprobs, trigger_rate
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.stepwise import Stepwise
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.cues.reader import cue_positions

NEVER = float("inf")


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(110, temperature=1.0), quiet=True)


@pytest.fixture(scope="module")
def traces(bench, make_traces):
    (made,) = make_traces(1)
    return [
        replace(
            made,
            problem=item.id,
            prompt_ids=torch.tensor(bench.reasoner.prompt(item.question)),
            gold=item.gold,
        )
        for item in islice(bench.task.items(), 1, 9)
    ]


@pytest.fixture(scope="module")
def alone(bench, traces):
    return InterventionRun().generate(bench, traces, lambda: None)


def test_an_engine_that_does_nothing_is_the_full_run(bench, traces):
    nothing = Stepwise(ConfidenceInjection((), "x", ("y",), NEVER))
    (fresh,) = nothing.run(bench, traces[:1], lambda: None)
    assert fresh == InterventionRun().run(bench, traces[:1], lambda: None)[0]


def reflections(bench, texts):
    """How often the thinking turns on itself."""
    reasoner = bench.reasoner
    return sum(
        len(cue_positions(reasoner.tokenizer, Hesitation(), reasoner.tags, ids)) for ids in texts
    )


def test_injection_lowers_reflections(bench, traces, alone):
    recipe = Concise().recipes(None, bench)["in its own words"]
    texts = [
        recipe.engine.write(
            bench.reasoner, Assignment(trace.prompt_ids.tolist()), bench.fresh
        ).token_ids
        for trace in traces
    ]
    before = reflections(bench, [generation.token_ids for generation in alone])
    assert before >= 10
    assert reflections(bench, texts) <= 0.6 * before


def test_a_detector_that_is_sure_closes_the_thinking(bench, traces):
    sure = ConfidenceInjection((), " So the answer is", ("1", "2", "(1)"), 0.0)
    (found,) = Stepwise(sure).run(bench, traces[:1], lambda: None)
    assert found.exited
    assert found.probing == 4  # the probing text, once
    assert found.answer


def test_steps_written_anew_are_charged(bench, traces):
    every = Stepwise(MomentumScaling(RandomTrigger(1.0), 2))
    some = Stepwise(MomentumScaling(MomentumTrigger(0.97), 2))
    (dear,), (cheap,) = (r.run(bench, traces[1:2], lambda: None) for r in (every, some))
    assert 0 < cheap.probing < dear.probing
    assert not dear.exited


def test_the_rate_of_the_control_is_the_recorded_one(bench, hand_made):
    tokenizer = bench.reasoner.tokenizer
    ids = tokenizer.encode("First: 1 + 1 = 2. So 2. So 2. ", add_special_tokens=False)
    ends = [i for i, token in enumerate(ids) if tokenizer.decode([token]).startswith(" So")]
    assert len(ends) == 2
    logprobs = torch.full((len(ids),), -0.1)
    logprobs[ends[0] + 1 : ends[1] + 1] = -2.0  # the second sentence is unsure
    trace = replace(
        hand_made("-", True),
        token_ids=torch.tensor(ids),
        logprobs=logprobs,
        thinking=len(ids),
        begins=0,
    )
    steps = step_logprobs(trace, bench.reasoner)
    assert steps[:2] == pytest.approx([-0.1, -2.0])
    assert trigger_rate([trace], MomentumTrigger(0.8), bench.reasoner) == 1 / (len(steps) - 1)


def test_greedy_candidates_are_refused(bench, context):
    with pytest.raises(Unavailable, match="temperature above 0"):
        Mur().recipes(context, replace(bench, decoding=Decoding(40)))
