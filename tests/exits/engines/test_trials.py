"""Trial answers on a fork of the cache: what they cost, and that the rows do not notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import Loop, generate
from probexit.exits.engines.session import Session
from probexit.exits.policies.never import Never
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.entropy_variance import EntropyVariance
from probexit.exits.signals.trial import TrialSignal
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.exits.trace import Trace
from probexit.hooks.forward import generate_cache_name

NEW = 30


@pytest.fixture
def trying(reading: Callable[..., Any], words: Any) -> Callable[..., Any]:
    """``trying(threshold)``: a controller that asks for a trial answer at every third token."""

    def make(threshold: float, signal: TrialSignal | None = None, **settings: Any) -> Any:
        controller = reading(threshold, policy=Threshold(threshold), **settings)
        closing = len(controller.closing_ids(words))
        return replace(controller, signal=replace(signal or TrialConfidence(), closing=closing))

    return make


@torch.inference_mode()
def by_hand(model: Any, ids: list[int], closing: list[int], end: int, limit: int) -> list[int]:
    """The greedy answer behind the closing text, prefilled from nothing for every token."""
    ids, answer = ids + closing, list[int]()
    while len(answer) < limit and (not answer or answer[-1] != end):
        logits = model(torch.tensor([ids + answer])).logits[0, -1].clone()
        if not answer:
            logits[end] = float("-inf")
        answer.append(int(logits.argmax()))
    return answer


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_the_trial_is_what_a_forced_exit_would_give(
    name: str, lively: Any, words: Any, prompts: Any, trying: Any, monkeypatch: Any
) -> None:
    model, controller, rows = lively(name), trying(2.0), []
    start = Session.start
    monkeypatch.setattr(
        Session, "start", lambda self, ids: rows.append(start(self, ids)) or rows[-1]
    )
    done = generate(model, words, prompts[:5], controller, Decoding(NEW, batch_size=3))
    closing, checked = controller.closing_ids(words), 0
    for prompt, generation, row in zip(prompts, done, rows, strict=False):
        assert row.history.prompt.tolist() == prompt
        if not row.scores:
            continue
        trace = row.history.trace()
        for position, ids in zip(trace.cues.positions, trace.cues.answer_ids, strict=True):
            prefix = prompt + generation.token_ids[: int(position) + 1]
            expected = by_hand(model, prefix, closing, 2, controller.answer_tokens)
            assert [i for i in ids.tolist() if i >= 0] == expected
            checked += 1
    assert checked > 20


def test_trials_change_no_token_and_are_counted(
    lively: Any, words: Any, prompts: Any, trying: Any
) -> None:
    model = lively("llama")
    plain = Loop(model, words, None, Decoding(NEW))
    alone = plain.run(prompts)
    controller = replace(trying(0.0), policy=Never())
    loop = Loop(model, words, controller, Decoding(NEW))
    tried = loop.run(prompts)
    assert [g.token_ids for g in tried] == [g.token_ids for g in alone]
    closing = len(controller.closing_ids(words))
    for generation in tried:
        assert generation.probed >= (closing + 1) * len(generation.scores)
    assert sum(len(g.scores) for g in tried) > 20
    assert loop.rows_run > plain.rows_run


@pytest.mark.parametrize("given", [False, True])
def test_generate_forks_as_the_own_loop_does(
    lively: Any, words: Any, prompts: Any, trying: Any, left_padded: Any, written: Any, given: bool
) -> None:
    model = lively("llama")
    scores = [
        s for g in generate(model, words, prompts, trying(2.0), Decoding(NEW)) for s in g.scores
    ]
    controller = trying(float(torch.tensor(scores).quantile(0.85)))
    expected = generate(model, words, prompts, controller, Decoding(NEW, batch_size=7))
    inputs = left_padded(prompts)
    cache = {generate_cache_name(): DynamicCache(config=model.config)} if given else {}
    with attach(model, words, controller) as attachment:
        output = model.generate(**inputs, **cache, max_new_tokens=NEW, do_sample=False)
    found = written(output, inputs["input_ids"].shape[1], {2})
    assert found == [g.token_ids for g in expected]
    assert [row.probed for row in attachment.rows] == [g.probed for g in expected]
    assert any(g.exit for g in expected)
    assert not all(g.exit for g in expected)


def test_the_closing_alone_decodes_no_answer(
    lively: Any, words: Any, prompts: Any, trying: Any
) -> None:
    controller = trying(2.0, EntropyVariance(warm_up=1))
    closing, seen = len(controller.closing_ids(words)), list[float]()
    for generation in generate(lively("llama"), words, prompts[:6], controller, Decoding(NEW)):
        assert generation.probed == closing * len(generation.scores)
        seen += [score for score in generation.scores if score > -float("inf")]
    assert seen
    assert max(seen) <= 0


@dataclass(frozen=True)
class EverySecond(TrialSignal):
    """Tries at every second cue only."""

    def trials(self, trace: Trace) -> Tensor:
        return torch.arange(len(trace.cues)) % 2 == 0

    def scores(self, trace: Trace) -> Tensor:
        return trace.cues.answer_tokens.float()


def test_where_nothing_is_tried_nothing_is_decoded(
    lively: Any, words: Any, prompts: Any, trying: Any
) -> None:
    controller = trying(99.0, EverySecond())
    closing = len(controller.closing_ids(words))
    for generation in generate(lively("llama"), words, prompts[:6], controller, Decoding(NEW)):
        tried, passed = generation.scores[::2], generation.scores[1::2]
        assert all(tokens > 0 for tokens in tried)
        assert not any(passed)
        assert generation.probed == sum(tried) + closing * len(tried)


def test_an_engine_that_cannot_fork_is_refused(words: Any, trying: Any) -> None:
    controller = trying(0.5)
    session = Session(controller, words, NEW, {2})
    row = session.start([20, 3])
    logits = torch.randn(1, 128)
    for token in (30, 31):
        session.step(ForwardPass([row], [token], logits))
    with pytest.raises(ValueError, match="TrialConfidence needs a trial answer"):
        session.step(ForwardPass([row], [32], logits))
