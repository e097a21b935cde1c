"""Live rules on the shipped reasoner: few problems, short runs."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.interventions.end_boost import EndBoost
from probexit.exits.interventions.no_wait import NoWait
from probexit.exits.policies.never import Never
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exits
from probexit.exits.signals.position import Position
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.evaluation.live_run import Live
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.routing import Routed
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.capture import Capture
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.steer import Steer
from probexit.probes.random_direction import RandomDirection

NEW, LAYER = 90, 3


@pytest.fixture(scope="module")
def bench(shipped):
    return LiveEvaluator(shipped, task("arith"), Decoding(NEW, temperature=1.0), quiet=True)


@pytest.fixture(scope="module")
def items(bench):
    return list(islice(bench.task.items(), 4))


@pytest.fixture(scope="module")
def traces(bench, items, make_traces):
    (made,) = make_traces(1)
    return [
        replace(
            made,
            problem=item.id,
            prompt_ids=torch.tensor(bench.reasoner.prompt(item.question)),
            gold=item.gold,
        )
        for item in items
    ]


def write(bench, traces, treatment):
    return [g.token_ids for g in treatment.generate(bench, traces, lambda: None)]


@pytest.fixture(scope="module")
def alone(bench, traces):
    return write(bench, traces, InterventionRun())


@pytest.fixture(scope="module")
def controller(bench):
    """Leaves at the first cue that a random direction likes; its threshold is replaced."""
    width = bench.reasoner.model.config.hidden_size
    generator = torch.Generator().manual_seed(1)
    states = torch.randn(40, width, generator=generator)
    probe = RandomDirection().fit(states, torch.arange(40) % 2)
    signal = ProbeSignal(probe=probe, at=(LAYER,), recorded=(LAYER,))
    tags, closing = bench.reasoner.tags, bench.reasoner.closing
    return ExitController(Hesitation(), signal, Never(), tags, closing)


def test_a_greedy_treatment_of_nothing_is_the_live_run(bench, items, traces):
    """The grades and the tokens that ``probexit run`` gives."""
    greedy = replace(bench, decoding=replace(bench.decoding, temperature=0.0))
    lines = Live(bench.reasoner, bench.task, None, greedy.decoding).run(items, quiet=True)
    found = greedy.measure(InterventionRun(), traces)
    for line, fresh in zip(lines, found, strict=True):
        assert (fresh.answer, fresh.correct) == (line["answer"], line["correct"])
        assert fresh.thinking == line["thinking_tokens"]
        assert fresh.answer_tokens == line["tokens"] - line["thinking_tokens"]
        assert (fresh.exited, fresh.probing) == (False, 0)


def test_a_problem_is_sampled_alike_in_any_company(bench, traces, alone):
    assert write(bench, traces[2:], InterventionRun()) == alone[2:]
    again = InterventionRun().generate(bench, traces[:2], lambda: None, sample=1)
    assert [g.token_ids for g in again] != alone[:2]


def test_no_wait_writes_no_word_of_its_list(bench, traces, alone):
    decode = bench.reasoner.tokenizer.decode
    rule = InterventionRun(interventions=(NoWait(),))
    texts = [decode(ids).lower().split() for ids in write(bench, traces, rule)]
    before = [decode(ids).lower().split() for ids in alone]
    assert any({"wait,", "hmm,"} & set(text) for text in before)
    assert not any({"wait,", "hmm,", "but", "again:", "check"} & set(text) for text in texts)


def test_a_boost_ends_the_thinking(bench, traces):
    found = bench.measure(InterventionRun(interventions=(EndBoost(2.0),)), traces)
    assert [fresh.thinking for fresh in found] == [0] * 4
    assert all(fresh.answer and not fresh.exited for fresh in found)


def test_a_temperature_of_its_own(bench, traces, alone):
    cold = [
        g.token_ids for g in InterventionRun(temperature=1e-9).generate(bench, traces, lambda: None)
    ]
    assert cold == write(
        replace(bench, decoding=replace(bench.decoding, temperature=0.0)), traces, InterventionRun()
    )
    assert cold != alone


def test_a_budget_closes_the_thinking(bench, traces, controller):
    limit = replace(controller, signal=Position(), max_thinking=30)
    found = bench.measure(InterventionRun(controller=limit), traces)
    assert [fresh.thinking for fresh in found] == [30] * 4
    assert all(fresh.exited for fresh in found)


def test_steering_by_nothing_is_nothing_and_leaves_nothing(bench, traces, alone):
    zero = torch.zeros(bench.reasoner.model.config.hidden_size)
    assert write(bench, traces, InterventionRun(directions={LAYER: zero})) == alone
    pushed = torch.randn(len(zero), generator=torch.Generator().manual_seed(0))
    assert write(bench, traces, InterventionRun(directions={LAYER: 50 * pushed})) != alone
    assert write(bench, traces, InterventionRun()) == alone
    assert not any(module._forward_hooks for module in bench.reasoner.model.modules())


def test_an_exit_rule_reads_the_steered_states_and_can_be_replayed(bench, traces, controller):
    """Steering around a controller: prefilling what was written gives the same scores and exits."""
    model = bench.reasoner.model
    push = torch.randn(model.config.hidden_size, generator=torch.Generator().manual_seed(0))
    steered = InterventionRun(controller=controller, directions={LAYER: 0.3 * push})
    seen = [g.scores for g in steered.generate(bench, traces, lambda: None)]
    middle = float(torch.tensor(sum(seen, ())).median())
    rule = replace(controller, policy=Threshold(middle))
    written = replace(steered, controller=rule).generate(bench, traces, lambda: None)
    for trace, generation, whole in zip(traces, written, seen, strict=True):
        with Steer(model, steered.directions):
            scores = prefilled(bench, rule, trace, generation)
        assert scores == pytest.approx(generation.scores, abs=1e-2)
        assert generation.scores == pytest.approx(whole[: len(generation.scores)], abs=1e-2)
        (left,) = exits(rule.policy, [torch.tensor(generation.scores)])
        assert left == (generation.exit.cue if generation.exit else None)
    assert any(g.exit for g in written)
    plain = prefilled(bench, rule, traces[0], written[0])
    assert plain != pytest.approx(written[0].scores, abs=1e-2)  # the steering is seen at all


@torch.inference_mode()
def prefilled(bench, rule, trace, generation):
    """The rule's scores at the cues of what was generated, from one forward pass."""
    from probexit.experiments.recording.thinking import thinking_span

    prompt, ids = trace.prompt_ids.tolist(), generation.token_ids
    _, _, cues = thinking_span(bench.reasoner, rule.cues, prompt, ids)
    columns = torch.tensor([len(prompt) + at for at in cues[: len(generation.scores)]])
    rows = torch.zeros_like(columns)
    with Capture(bench.reasoner.model, (LAYER,), (rows, columns)) as capture:
        bench.reasoner.model(torch.tensor([prompt + ids]))
    states = capture.chosen().to(torch.bfloat16).flatten(1)
    return rule.signal.probe.score(states).tolist()


def test_each_problem_is_treated_as_it_was_routed(bench, traces, alone):
    boost = InterventionRun(interventions=(EndBoost(2.0),))
    routes = {trace.problem: "ab"[i % 2] for i, trace in enumerate(traces)}
    found = bench.measure(Routed({"a": boost, "b": InterventionRun()}, routes), traces)
    assert [fresh.problem for fresh in found] == [trace.problem for trace in traces]
    assert [fresh.thinking == 0 for fresh in found] == [True, False, True, False]


def test_settings_tell_treatments_apart(controller):
    v = torch.ones(4)
    made = [
        InterventionRun(),
        InterventionRun(controller=controller),
        InterventionRun(controller=replace(controller, max_thinking=9)),
        InterventionRun(interventions=(NoWait(),)),
        InterventionRun(interventions=(NoWait(strength=1.0),)),
        InterventionRun(interventions=(EndBoost(), NoWait())),
        InterventionRun(directions={1: v}),
        InterventionRun(directions={1: -v}),
        InterventionRun(directions={2: v}),
        InterventionRun(temperature=0.5),
    ]
    assert len({str(each.settings()) for each in made}) == len(made)
    assert InterventionRun(directions={1: v.clone()}).settings() == made[6].settings()
