"""Caches that the caller chose, compiled models and threads: each works, or is refused by name."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
import torch
from transformers import StaticCache

from probexit.exits.engines.generate import attach
from probexit.exits.policies.never import Never
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.hooks.forward import generate_cache_name

NEW = 30


@pytest.fixture
def asking(reading: Callable[..., Any], words: Any) -> Any:
    """A controller that asks for an answer at each cue and never exits."""
    made = reading(0.5, answer_tokens=4, policy=Never())
    return replace(made, signal=TrialConfidence(len(made.closing_ids(words))))


@pytest.fixture
def ask(
    lively: Callable[..., Any],
    words: Any,
    prompts: list[list[int]],
    left_padded: Callable[..., Any],
    asking: Any,
) -> Callable[..., Any]:
    model, inputs = lively("llama"), left_padded(prompts[:6])

    def run(**settings: Any) -> Any:
        with attach(model, words, asking) as attachment:
            model.generate(**inputs, max_new_tokens=NEW, do_sample=False, **settings)
        return [[answer.ids for answer in row.history.answers] for row in attachment.rows]

    run.model = model  # type: ignore[attr-defined]
    return run


def test_a_static_cache_asked_for_by_name(ask: Callable[..., Any]) -> None:
    """Trial answers near the limit have room on their copies."""
    plain = ask()
    assert any(len(row) > 3 for row in plain)
    assert ask(cache_implementation="static") == plain


def test_a_static_cache_of_the_callers(ask: Any) -> None:
    cache = StaticCache(config=ask.model.config, max_cache_len=80)
    assert ask(**{generate_cache_name(): cache}) == ask()


@pytest.mark.parametrize("kind", ["offloaded", "quantized"])
def test_rows_that_cannot_be_copied_are_refused(ask: Callable[..., Any], kind: str) -> None:
    with pytest.raises(ValueError, match=f"cache_implementation='{kind}' keeps rows"):
        ask(cache_implementation=kind)


def test_a_second_thread_is_refused(
    lively: Callable[..., Any],
    words: Any,
    prompts: list[list[int]],
    left_padded: Callable[..., Any],
    reading: Callable[..., Any],
) -> None:
    model, inputs = lively("llama"), left_padded(prompts)
    said: list[str] = []
    with attach(model, words, reading(0.5)) as attachment:

        def second(*_: Any) -> None:
            try:
                attachment.generate(**inputs, max_new_tokens=NEW)
            except ValueError as error:
                said.append(str(error))

        class Meanwhile:
            def __call__(self, ids: Any, scores: torch.Tensor) -> torch.Tensor:
                if not said:
                    thread = Thread(target=second)
                    thread.start()
                    thread.join()
                return scores

        model.generate(**inputs, max_new_tokens=NEW, logits_processor=[Meanwhile()])
        assert "another thread is generating" in said[0]
        model.generate(**inputs, max_new_tokens=NEW)  # the first one left nothing locked


@pytest.mark.parametrize("when", ["before", "inside"])
def test_a_compiled_model(
    lively: Callable[..., Any],
    words: Any,
    prompts: list[list[int]],
    left_padded: Callable[..., Any],
    reading: Callable[..., Any],
    when: str,
) -> None:
    model, inputs, controller = lively("llama"), left_padded(prompts[:3]), reading(0.5)
    settings: dict[str, Any] = {"max_new_tokens": 20, "do_sample": False}
    with attach(model, words, controller) as attachment:
        model.generate(**inputs, **settings)
        wanted = [row.exit for row in attachment.rows]
    assert any(wanted)
    if when == "before":
        model.compile(backend="eager")
        model.generate(**inputs, **settings)
    with attach(model, words, controller) as attachment:
        if when == "inside":
            model.compile(backend="eager")
        model.generate(**inputs, **settings)
    assert [row.exit for row in attachment.rows] == wanted
