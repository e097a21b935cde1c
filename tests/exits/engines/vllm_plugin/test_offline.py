"""vLLM under a controller writes what the own loop writes, request by request."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.engines.base import Request
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.vllm_plugin.states import auxiliary_layers, states_of
from probexit.exits.production.audit import Audit
from probexit.exits.production.in_loop import InLoop
from probexit.exits.production.log import DecisionLog, read
from probexit.exits.production.serve import Production
from probexit.hooks.capture import CaptureError
from probexit.hooks.models import Reasoner

NEW = 400

Prompts = list[list[int]]
Write = Callable[..., list[list[int]]]
Looped = Callable[..., Any]


def test_the_own_loops_tokens_and_exits(write: Write, prompts: Prompts, looped: Looped) -> None:
    """With prompts in parts, prefix hits and requests put aside for want of blocks."""
    wanted = looped()
    assert sum(row.exit is not None for row in wanted) > 0
    assert write(prompts) == [row.token_ids for row in wanted]
    assert write(prompts) == [row.token_ids for row in wanted]  # their prompts are cached now


def test_requests_of_every_kind_in_one_batch(
    write: Write, prompts: Prompts, looped: Looped
) -> None:
    kinds = [{}, {"probexit": "off"}, {"probexit_alpha": 0.3}, {"probexit_max_thinking": 40}]
    runs = [looped(), looped(None), looped(1), looped(0, max_thinking=40)]
    found = write(prompts, *(kinds[i % 4] for i in range(len(prompts))))
    for i, tokens in enumerate(found):
        assert tokens == runs[i % 4][i].token_ids, kinds[i % 4]
    lengths = [sum(len(row.token_ids) for row in run) for run in runs]
    assert lengths[1] > lengths[0] > lengths[2]  # the lower the threshold, the sooner


def test_the_log_says_what_was_done(
    engine: Any, write: Write, prompts: Prompts, looped: Looped
) -> None:
    before = len(read(engine.log))
    write(prompts[:4])
    made = sorted(read(engine.log)[before:], key=lambda line: line.scores)
    rows = sorted(looped()[:4], key=lambda row: tuple(row.scores))
    assert len(made) == 4
    for row, decision in zip(rows, made, strict=True):
        assert decision.cue == (None if row.exit is None else row.exit.cue)
        assert decision.scores == pytest.approx(row.scores, abs=1e-4)
        assert decision.tokens == len(row.token_ids)


def test_a_budget_that_never_binds(write: Write, prompts: Prompts, looped: Looped) -> None:
    found = write(prompts[:3], {"probexit_max_thinking": 10_000})
    assert found == [row.token_ids for row in looped()[:3]]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"probexit_alpha": 0.2}, "is not certified here; certified are: 0.1, 0.3"),
        ({"probexit": "maybe"}, "use true or false"),
        ({"probexit_max_thinking": -1}, "give a number of tokens"),
        ({"probexit_threshold": 0.5}, "unknown argument 'probexit_threshold'"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    write: Write, prompts: Prompts, extra: dict[str, Any], message: str
) -> None:
    """Which the HTTP server answers with 400."""
    from vllm.exceptions import VLLMValidationError

    with pytest.raises(VLLMValidationError, match=message):
        write(prompts[:1], extra)


def test_an_answer_fits_before_the_models_length_ends(
    exits: Any, write: Write, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit beyond the model's length leaves the room that the model's length leaves."""
    long = prompts[0] * (500 // len(prompts[0]))
    opened = []
    begin = exits.batch._begin
    monkeypatch.setattr(exits.batch, "_begin", lambda *a: opened.append(begin(*a)) or opened[-1])
    write([long], max_tokens=5_000)
    (running,) = opened
    assert 0 < running.row.latest + len(long) < exits.runner.max_model_len


def test_no_bias_or_penalty_takes_back_an_order(exits: Any, write: Write, prompts: Prompts) -> None:
    """A bias against the closing tag keeps the model from writing it, not the controller."""
    tag = exits.settings.controllers[0].closing_ids(exits.sessions.tokenizer)[0]
    found = write(prompts, logit_bias={tag: -100.0}, presence_penalty=0.5)
    assert any(tag in tokens for tokens in found)
    assert not any(tag in t for t in write(prompts, {"probexit": "off"}, logit_bias={tag: -100.0}))


def test_the_audit_inside_the_engine(
    exits: Any, write: Write, prompts: Prompts, looped: Looped, reasoner: Reasoner, tmp_path: Path
) -> None:
    """The audited think to the end, and their lines say what an audit over the own loop says."""
    audit, old = Audit(1.0), exits.settings
    before = len(read(old.log))
    try:
        exits.settings = exits.ledger.settings = replace(old, audit=audit)
        assert write(prompts) == [row.token_ids for row in looped(None)]
        exits.ledger._comparing.submit(lambda: None).result()
    finally:
        exits.settings = exits.ledger.settings = old
    backend = InLoop(reasoner.model, reasoner.tokenizer, Decoding(NEW, batch_size=8))
    production = Production(backend, old.controllers[0], DecisionLog(tmp_path / "log"), audit)
    requests = [Request(f"{i}", prompt) for i, prompt in enumerate(prompts)]
    wanted = sorted((d.decision for d in production.serve(requests)), key=lambda d: d.scores)
    made = sorted(read(old.log)[before:], key=lambda decision: decision.scores)
    assert len(made) == len(wanted)
    for mine, its in zip(made, wanted, strict=True):
        assert mine.scores == pytest.approx(its.scores, abs=1e-4)
        assert (mine.cue, mine.tokens, mine.audit) == (its.cue, its.tokens, its.audit)
        assert mine.controller == its.controller
    assert {agrees for d in made for agrees in (d.audit or {}).values()} == {True, False}


@pytest.mark.parametrize("salt", [None, "tenant"])
def test_the_answers_of_an_audit_read_the_requests_own_prefix_cache(
    engine: Any, exits: Any, prompts: Prompts, salt: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under its cache salt, if it came with one: its tokens are found there, and there only."""
    from vllm import SamplingParams

    core = engine.llm_engine.engine_core.engine_core
    asked, added = [], core.add_request
    monkeypatch.setattr(core, "add_request", lambda r, *a: asked.append(r) or added(r, *a))
    old = exits.settings
    prompt = {"prompt_token_ids": prompts[0], **({"cache_salt": salt} if salt else {})}
    try:
        exits.settings = exits.ledger.settings = replace(old, audit=Audit(1.0))
        engine.generate([prompt], SamplingParams(temperature=0, max_tokens=NEW), use_tqdm=False)
    finally:
        exits.settings = exits.ledger.settings = old
    own, *answers = asked
    assert answers
    assert {request.cache_salt for request in answers} == {own.cache_salt} == {salt}
    assert {request.block_hashes[0] for request in answers} == {
        own.block_hashes[0]
    }  # its key there


def test_vllms_own_thinking_budget(
    exits: Any, write: Write, prompts: Prompts, looped: Looped
) -> None:
    """Whichever ends the thinking first ends it: the controller at a cue, or the budget."""
    tag, held = exits.sessions.tokenizer.convert_tokens_to_ids("</think>"), looped()
    exits_at = sorted(row.exit.thinking for row in held if row.exit is not None)
    budget = exits_at[len(exits_at) // 2]
    budgeted = write(prompts, {"probexit": "off"}, thinking_token_budget=budget)
    found = write(prompts, thinking_token_budget=budget)
    early = [
        row.exit is not None and row.token_ids.index(tag) <= other.index(tag)
        for row, other in zip(held, budgeted, strict=True)
    ]
    assert 0 < sum(early) < len(early)
    for i, first in enumerate(early):
        assert found[i] == (held[i].token_ids if first else budgeted[i]), i
    assert any(a != row.token_ids for a, row in zip(budgeted, looped(None), strict=True))


def test_a_users_processor_of_single_requests_works_beside_it(
    exits: Any, write: Write, prompts: Prompts
) -> None:
    """It stands before the controller: its words are obeyed until an order, and never after."""
    tokenizer = exits.sessions.tokenizer
    said = tokenizer.encode("Wait, wait.\n\nHmm.\n\nWait.\n\n" * 8, add_special_tokens=False)
    extra = {"say": " ".join(map(str, said)), "say_at": 3}
    tag, closing = tokenizer.convert_tokens_to_ids("</think>"), _closing(exits)
    free = write(prompts[:4], {"probexit": "off", **extra})
    assert all(tokens[3 : 3 + len(said)] == said for tokens in free)
    held = write(prompts[:4], {"probexit_alpha": 0.3, **extra})
    left = [tokens.index(tag) for tokens in held if tag in tokens[: 3 + len(said)]]
    assert left  # the controller left inside what was said
    for tokens in held:
        if tag in tokens[: 3 + len(said)]:
            at = tokens.index(tag)
            assert tokens[3:at] == said[: at - 3]
            assert tokens[at : at + len(closing)] == closing


def _closing(exits: Any) -> list[int]:
    return list(exits.settings.controllers[0].closing_ids(exits.sessions.tokenizer))


def test_no_exit_inside_a_tool_call(exits: Any, write: Write, prompts: Prompts) -> None:
    """Cues inside one are none; the same words outside are, which is the control."""
    tokenizer = exits.sessions.tokenizer
    inner = "Wait, wait.\n\nHmm.\n\nWait.\n\n" * 8
    tag = tokenizer.convert_tokens_to_ids("</think>")
    inside = {}
    for name, text in {"call": f"<tool_call>{inner}</tool_call>", "plain": inner}.items():
        said = tokenizer.encode(text, add_special_tokens=False)
        extra = {"say": " ".join(map(str, said)), "say_at": 0, "probexit_alpha": 0.3}
        found = write(prompts[:6], extra)
        inside[name] = sum(tag in tokens[: len(said)] for tokens in found)
    assert inside["call"] == 0 < inside["plain"]


def test_a_controller_that_fails(
    exits: Any, write: Write, prompts: Prompts, looped: Looped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where that was chosen its requests think on, counted; the next ones are decided again."""

    def broken(*_: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(exits.batch, "settings", replace(exits.settings, think_on=True))
    for holder, part in ((exits.batch, "_newest"), (exits, "_hidden")):
        before = exits.ledger.counts.failed
        with monkeypatch.context() as fault:
            fault.setattr(holder, part, broken)
            assert write(prompts[:3]) == [row.token_ids for row in looped(None)[:3]]
        assert exits.ledger.counts.failed == before + 3
    assert write(prompts[:3]) == [row.token_ids for row in looped()[:3]]


def test_a_pass_that_was_not_seen_is_an_error(exits: Any) -> None:
    """It is no pass without exits."""
    exits.passed(None)
    with pytest.raises(RuntimeError, match="a pass that was not seen"):
        exits.decide(torch.zeros(1, 10))


def test_states_by_number() -> None:
    """vLLM counts the embedding as layer 0; the final norm is what it samples from."""
    first, second = torch.full((5, 3), 1.0), torch.full((5, 3), 2.0)
    second[4] = 7.0
    assert auxiliary_layers((4, 6, 1), 6) == (2, 5)
    at = torch.tensor([1, 4])
    found = states_of((1, 4, 6), 6, [first, second], torch.full((2, 3), 9.0), at)
    assert found[:, :, 0].tolist() == [[1.0, 2.0, 9.0], [1.0, 7.0, 9.0]]
    with pytest.raises(CaptureError, match="states of 2 layers were asked for, and 1 came"):
        states_of((1, 4, 6), 6, [first], torch.full((2, 3), 9.0), at)
