"""vLLM under a controller writes what the own loop writes, request by request."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from probexit.exits.engines.vllm_plugin.states import auxiliary_layers, states_of
from probexit.exits.production.log import read
from probexit.hooks.capture import CaptureError

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
    write(prompts[:1], {"probexit": "off"})  # vLLM tells of an end with its next pass
    before = len(read(engine.log))
    write(prompts[:4])
    write(prompts[:1], {"probexit": "off"})
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
    exits: Any, write: Write, prompts: Prompts
) -> None:
    """A limit beyond the model's length leaves the room that the model's length leaves."""
    long = prompts[0] * (500 // len(prompts[0]))
    write([long], max_tokens=5_000)
    (running,) = exits.running.values()  # vLLM tells of its end with the next pass
    assert 0 < running.row.latest + len(long) < exits.runner.max_model_len


def test_no_bias_or_penalty_takes_back_an_order(exits: Any, write: Write, prompts: Prompts) -> None:
    """A bias against the closing tag keeps the model from writing it, not the controller."""
    tag = exits.settings.controllers[0].closing_ids(exits.tokenizer)[0]
    found = write(prompts, logit_bias={tag: -100.0}, presence_penalty=0.5)
    assert any(tag in tokens for tokens in found)
    assert not any(tag in t for t in write(prompts, {"probexit": "off"}, logit_bias={tag: -100.0}))


def test_a_controller_that_fails(
    exits: Any, write: Write, prompts: Prompts, looped: Looped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where that was chosen its requests think on, counted; the next ones are decided again."""

    def broken(*_: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(exits, "settings", replace(exits.settings, think_on=True))
    for part in ("_newest", "_hidden"):
        before = exits.counts.failed
        with monkeypatch.context() as fault:
            fault.setattr(exits, part, broken)
            assert write(prompts[:3]) == [row.token_ids for row in looped(None)[:3]]
        assert exits.counts.failed == before + 3
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
