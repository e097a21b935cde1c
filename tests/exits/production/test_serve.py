"""Audited requests on random models: both backends, against the engines themselves."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.answers.key import same_answer
from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Engine, Request, Written
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.production.audit import Audit, draw
from probexit.exits.production.in_generate import InGenerate
from probexit.exits.production.in_loop import InLoop
from probexit.exits.production.log import DecisionLog
from probexit.exits.production.look import ServedRequest
from probexit.exits.production.serve import Production

NEW = 36
GREEDY = Decoding(NEW, batch_size=4)


@dataclass
class Bench:
    """A model, requests, and a rule that leaves about half of them."""

    model: Any
    tokenizer: Any
    requests: list[Request]
    rule: ExitController
    folder: Path

    def production(self, backend: str, rate: float, **settings: Any) -> Production:
        make: dict[str, Callable[[], Engine]] = {
            "loop": lambda: InLoop(self.model, self.tokenizer, GREEDY),
            "generate": lambda: InGenerate(
                self.model, self.tokenizer, NEW, 7, {"do_sample": False}
            ),
        }
        log = DecisionLog(self.folder / f"{backend}-{rate}.jsonl")
        return Production(make[backend](), self.rule, log, Audit(rate), **settings)


@pytest.fixture
def bench(
    lively: Callable[..., Any],
    words: Any,
    prompts: list[list[int]],
    reading: Callable[..., Any],
    tmp_path: Path,
) -> Bench:
    model = lively("llama")
    seen = generate(model, words, prompts, reading(2.0), GREEDY)
    best = torch.tensor([max(one.scores) for one in seen if one.scores])
    rule = reading(float(best.quantile(0.4)))
    requests = [Request(f"r{i}", prompt) for i, prompt in enumerate(prompts)]
    return Bench(model, words, requests, rule, tmp_path)


both = pytest.mark.parametrize("backend", ["loop", "generate"])


@both
def test_the_audited_think_to_the_end_and_the_others_are_stopped(
    bench: Bench, backend: str
) -> None:
    prompts = [request.prompt_ids for request in bench.requests]
    full = generate(bench.model, bench.tokenizer, prompts, None, GREEDY)
    stopped = generate(bench.model, bench.tokenizer, prompts, bench.rule, GREEDY)
    served = bench.production(backend, 0.5).serve(bench.requests)
    audited = [Audit(0.5).chooses(request.id) for request in bench.requests]
    assert 5 < sum(audited) < 15
    for i, one in enumerate(served):
        assert one.decision.request == bench.requests[i].id
        assert (one.decision.audit is not None) == audited[i]
        assert one.token_ids == (full if audited[i] else stopped)[i].token_ids
    differ = [a.token_ids != b.token_ids for a, b in zip(full, stopped, strict=True)]
    assert sum(d and a for d, a in zip(differ, audited, strict=True)) >= 3


@both
def test_the_exit_that_was_not_taken_is_the_one_that_would_have_been(
    bench: Bench, backend: str
) -> None:
    audited = bench.production(backend, 1.0).serve(bench.requests)
    stopped = bench.production(backend, 0.0).serve(bench.requests)
    for spared, left in zip(audited, stopped, strict=True):
        assert spared.decision.cue == left.decision.cue
        assert left.decision.audit is None
        assert spared.decision.exited is False
        seen = len(left.decision.scores)
        # Batches differ in their last bits, which may round a state to the next bfloat16.
        assert spared.decision.scores[:seen] == pytest.approx(left.decision.scores, abs=1e-3)
    cues = {one.decision.cue for one in stopped}
    assert None in cues
    assert len(cues) > 2


@both
def test_the_forced_answer_is_what_the_live_exit_writes(bench: Bench, backend: str) -> None:
    production = bench.production(backend, 0.0)
    closing = bench.rule.closing_ids(bench.tokenizer)
    compared = 0
    for request, one in zip(bench.requests, production.serve(bench.requests), strict=True):
        if one.decision.cue is None:
            continue
        written = Written(one.token_ids, one.decision.scores, None)
        look = ServedRequest(production.backend, bench.rule, request, written)
        stop = look.at[one.decision.cue] + 1
        live = one.token_ids[stop:]
        assert live[: len(closing)] == closing
        (answer,) = production.backend.answers([look.prefix(one.decision.cue)], bench.rule)
        assert answer == live[len(closing) : len(closing) + bench.rule.answer_tokens]
        compared += 1
    assert compared > 5


def test_both_backends_decide_alike(bench: Bench) -> None:
    def seen(backend: str) -> list[Any]:
        served = bench.production(backend, 0.5, same=lambda a, b: len(b) % 2 == 0)
        return [
            (one.token_ids, one.decision.cue, one.decision.audit, one.decision.refused)
            for one in served.serve(bench.requests)
        ]

    assert seen("loop") == seen("generate")


def test_an_answer_is_forced_wherever_a_threshold_would_leave(bench: Bench) -> None:
    """With one score per threshold, each new maximum of the scores is such a place."""
    production = bench.production("loop", 1.0)
    finest = tuple(
        sorted({s for one in production.serve(bench.requests) for s in one.decision.scores})
    )
    fine = replace(production, audit=Audit(1.0, grid=finest[::-1]))
    for one in fine.serve(bench.requests):
        scores = one.decision.scores
        maxima = [i for i, s in enumerate(scores) if s > max(scores[:i], default=-math.inf)]
        assert sorted(one.decision.audit or {}) == maxima


def test_late_exits_are_counted_as_refused(bench: Bench) -> None:
    """Tokens 3, 6 and 9 end a cue; of 12, closing (2) and answer (4) fit behind the first two."""
    backend = InLoop(bench.model, bench.tokenizer, Decoding(12, batch_size=4))
    log = DecisionLog(bench.folder / "tight.jsonl")
    rule = bench.rule.with_threshold(0.0)
    served = Production(backend, rule, log, Audit(1.0)).serve(bench.requests)
    seen = backend.write(bench.requests, rule.with_threshold(math.inf))
    for one, written in zip(served, seen, strict=True):
        assert len(one.decision.scores) == min(len(written.scores), 2)
        assert one.decision.refused == len(written.scores) - len(one.decision.scores)
        assert one.decision.cue == (0 if written.scores else None)
    assert sum(one.decision.refused for one in served) > 5


def test_sampled_requests_are_the_same_in_any_batch(bench: Bench) -> None:
    hot = replace(GREEDY, temperature=1.0)
    backend = InLoop(bench.model, bench.tokenizer, hot)
    alone = [backend.write([request], bench.rule)[0].token_ids for request in bench.requests[:6]]
    together = [one.token_ids for one in backend.write(bench.requests, bench.rule)]
    assert alone == together[:6]
    assert draw("r0") != draw("r1")


def test_everything_served_is_in_the_log(bench: Bench) -> None:
    production = bench.production("loop", 0.5)
    served = production.serve(bench.requests)
    logged = {decision.request: decision for decision in production.log}
    assert logged == {one.decision.request: one.decision for one in served}
    assert {d.controller for d in logged.values()} == {production.name}
    other = replace(production, controller=bench.rule.with_threshold(0.123))
    assert other.name != production.name
    assert production.serve([]) == []


def test_answers_are_the_texts_behind_the_thinking(bench: Bench) -> None:
    ids = bench.tokenizer.encode(" w20 wait</think> so w30<|end|>", add_special_tokens=False)
    backend = InLoop(bench.model, bench.tokenizer, GREEDY)
    look = ServedRequest(backend, bench.rule, bench.requests[0], Written(ids, (), None))
    assert look.full_answer() == " so w30"
    assert look.exit_answer(bench.tokenizer.encode(" w30<|end|>")) == " so w30"
    endless = ServedRequest(backend, bench.rule, bench.requests[0], Written(ids[:2], (), None))
    assert endless.full_answer() == ""


def test_an_empty_answer_agrees_with_nothing() -> None:
    assert same_answer(" 7\n", "7")
    assert not same_answer("7", "8")
    assert not same_answer("", " ")
