"""Rows, states and audits inside vLLM's batch, over a runner that stands in for vLLM's."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from probexit.exits.engines.base import Request
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.production.audit import Audit
from probexit.exits.production.in_loop import InLoop
from probexit.exits.production.log import Decision, DecisionLog, read
from probexit.exits.production.oversight import Oversight
from probexit.exits.production.serve import Production
from probexit.hooks.capture import CaptureError

NEW = 36
Prompts = list[list[int]]


@pytest.fixture
def prompts() -> Prompts:
    """Twelve prompts of 2 to 16 words; the template opened the thinking."""
    lengths = torch.randint(1, 16, (12,)).tolist()
    return [[*torch.randint(16, 128, (n,)).tolist(), 3] for n in lengths]


@pytest.fixture
def rule(reading: Callable[..., Any]) -> Any:
    return reading(0.5, answer_tokens=6)


def looped(runner: Any, words: Any, prompts: Prompts, rule: Any) -> Any:
    return generate(runner.model, words, prompts, rule, Decoding(NEW, batch_size=8))


def added(runner: Any, prompts: Prompts) -> Any:
    for i, prompt in enumerate(prompts):
        runner.add(f"r{i}", prompt, NEW)
    return runner


@pytest.mark.parametrize("part", [3, 100])
def test_the_own_loops_tokens(
    fake_vllm: Any, words: Any, prompts: Prompts, rule: Any, part: int
) -> None:
    """Prompts in parts or whole, rows that move as others end, a request put aside on its way."""
    runner = added(fake_vllm(rule, part=part), prompts)
    for _ in range(12):
        runner.step()
    runner.forget("r3")
    wanted = looped(runner, words, prompts, rule)
    assert 0 < sum(row.exit is not None for row in wanted) < len(wanted)
    done = runner.run()
    assert [done[f"r{i}"] for i in range(len(prompts))] == [row.token_ids for row in wanted]


def test_every_rank_decides_alike_and_the_first_writes(
    fake_vllm: Any, prompts: Prompts, rule: Any
) -> None:
    """Tensor parallelism: each process sees the same states; the fake compares their tokens."""
    runner = added(fake_vllm(rule, ranks=3), prompts)
    runner.run()
    assert [exits.ledger is not None for exits in runner.exits] == [True, False, False]
    made = read(runner.probexit.settings.log)
    assert len(made) == len(prompts)  # not three times as many
    assert any(decision.exited for decision in made)


def test_a_rank_that_was_told_otherwise_is_an_error(
    fake_vllm: Any, prompts: Prompts, rule: Any
) -> None:
    """A process whose orders are not what was written has seen other states than the first."""
    runner = added(fake_vllm(rule), prompts)
    told = [None]
    while not any(told):
        runner.step()
        told = [r.told for r in runner.probexit.batch.running.values()]
    name = next(n for n, r in runner.probexit.batch.running.items() if r.told is not None)
    runner.requests[name].output_token_ids[-1] += 1
    with pytest.raises(RuntimeError, match=f"{name}: was to write"):
        runner.step()


def test_the_audit_finds_what_production_finds(
    fake_vllm: Any, words: Any, prompts: Prompts, rule: Any, tmp_path: Any
) -> None:
    """The audited think to the end; their log lines are those of an audit over the own loop."""

    def same(full: str, forced: str) -> bool:
        return len(full) % 3 == len(forced) % 3  # random words seldom agree: a rule that some do

    audit = Audit(0.5)
    runner = added(fake_vllm(rule, audit=audit, oversight=Oversight(same=same)), prompts)
    done = runner.run()
    runner.probexit.ledger._comparing.shutdown()
    requests = [Request(f"r{i}", prompt) for i, prompt in enumerate(prompts)]
    backend = InLoop(runner.model, words, Decoding(NEW, batch_size=8))
    production = Production(backend, rule, DecisionLog(tmp_path / "production"), audit, same)
    served = {one.decision.request: one for one in production.serve(requests)}
    made = {decision.request: decision for decision in read(runner.probexit.settings.log)}
    assert made.keys() == served.keys()
    for name, decision in made.items():
        wanted: Decision = served[name].decision
        assert done[name] == served[name].token_ids
        assert decision.scores == pytest.approx(wanted.scores, abs=1e-3)
        for field in ("controller", "cue", "refused", "budget", "tokens", "audit"):
            assert getattr(decision, field) == getattr(wanted, field), (name, field)
    audited = [decision for decision in made.values() if decision.audit is not None]
    assert 2 < len(audited) < 10
    assert {agrees for d in audited for agrees in (d.audit or {}).values()} == {True, False}
    counts = json.loads(runner.probexit.settings.counts.read_text())
    assert counts["audited"] == len(audited)
    assert counts["agreed"] == sum(bool(decision.agrees) for decision in audited)
    assert counts["pending"] == 0


def test_an_audited_request_that_is_aborted_tells_nothing(
    fake_vllm: Any, prompts: Prompts, rule: Any
) -> None:
    """A client that hung up leaves no full run to compare with: counted, and not logged."""
    runner = added(fake_vllm(rule, audit=Audit(1.0)), prompts[:3])
    for _ in range(8):
        runner.step()
    aborted = [name for name, r in runner.requests.items() if len(r.output_token_ids) < NEW]
    runner.probexit.finish(aborted)
    assert runner.probexit.ledger.counts.unfinished == len(aborted) > 0
    assert not runner.probexit.settings.log.exists()


def test_a_grader_that_fails_is_said(
    fake_vllm: Any, prompts: Prompts, rule: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: str) -> bool:
        raise ValueError("broken")

    given = {"audit": Audit(1.0), "oversight": Oversight(same=broken)}
    runner = added(fake_vllm(rule, **given), prompts[:6])
    runner.run()
    runner.probexit.ledger._comparing.shutdown()
    assert runner.probexit.ledger.counts.unfinished > 0
    assert "could not be examined" in caplog.text


def test_the_alarm_sees_each_decision_and_those_of_an_older_log(
    fake_vllm: Any, prompts: Prompts, rule: Any
) -> None:
    class Listening:
        evidence, rang = 1.0, None

        def __init__(self) -> None:
            self.seen: list[Decision] = []

        def see(self, decision: Decision) -> None:
            self.seen.append(decision)
            self.evidence = float(len(self.seen))

    heard: list[Listening] = []

    def alarm(_: Any) -> Listening:
        heard.append(Listening())
        return heard[-1]

    for times in (1, 2):
        runner = added(fake_vllm(rule, oversight=Oversight(alarm=alarm)), prompts[:4])
        runner.run()
        assert heard[-1].seen == read(runner.probexit.settings.log)
        assert len(heard[-1].seen) == 4 * times
        (shown,) = json.loads(runner.probexit.settings.counts.read_text())["drift"].values()
        assert shown == [4.0 * times, False]


def test_states_that_did_not_come_are_an_error(fake_vllm: Any, prompts: Prompts, rule: Any) -> None:
    runner = added(fake_vllm(rule), prompts[:2])
    runner.spoilt = lambda states: []
    with pytest.raises(CaptureError, match="states of 1 layers were asked for, and 0 came"):
        runner.run()
    runner = added(fake_vllm(rule), prompts[:2])
    runner.spoilt = lambda states: [part[:-1] for part in states]
    with pytest.raises(CaptureError, match=r"a pass of \d+ tokens gave states of"):
        runner.run()


def test_vllms_own_budget_lets_go_of_a_row_that_left(
    fake_vllm: Any, words: Any, prompts: Prompts, rule: Any
) -> None:
    """It would force its end into the closing text; rows that think on stay in its hands."""
    runner = added(fake_vllm(replace(rule)), prompts)
    budgets = runner.input_batch.thinking_budget_state_holder = type("Holder", (), {})()
    left = 0
    for _ in range(10):
        budgets._state = dict.fromkeys(range(len(prompts)))
        runner.step()
        rows = [runner.probexit.batch.running.get(name) for name in runner.requests]
        gone = {i for i, row in enumerate(rows) if row is not None and row.row.exit is not None}
        assert budgets._state.keys() == set(range(len(prompts))) - gone
        left += len(gone)
    assert left
