"""Every intervention, found by walking the package: a new one is covered unlisted."""

import importlib
import inspect
import pkgutil
from dataclasses import replace

import pytest
import torch

from probexit.exits import interventions
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import Loop, generate
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.interventions.base import Intervention
from probexit.exits.interventions.in_generate import RowIntervention
from probexit.hooks.think_tags import ThinkTags

OPEN, CLOSE, CALL, CALLED = 3, 4, 5, 6  # ids of the tags in the ``words`` vocabulary
NEW = 24


def family():
    """The concrete interventions of the package, by module."""
    found = {}
    for info in pkgutil.iter_modules(interventions.__path__):
        module = importlib.import_module(f"{interventions.__name__}.{info.name}")
        for cls in vars(module).values():
            concrete = inspect.isclass(cls) and issubclass(cls, Intervention)
            if concrete and cls.__module__ == module.__name__ and not inspect.isabstract(cls):
                found[info.name] = cls
    return found


MEMBERS = family()


@pytest.fixture(params=MEMBERS)
def member(request):
    return MEMBERS[request.param]()


@pytest.fixture
def bound(member, words):
    return member.bind(words, ThinkTags())


def run(model, tokenizer, prompts, rule, controller=None, **settings):
    decoding = Decoding(NEW, **settings)
    return [g.token_ids for g in Loop(model, tokenizer, controller, decoding, [rule]).run(prompts)]


def test_the_walk_finds_the_family():
    assert {"no_wait", "end_boost", "stop_temperature"} <= set(MEMBERS)


def test_acts_inside_the_thinking_and_nowhere_else(bound):
    rows = [
        [20, OPEN, 21],  # thinks
        [20, 21],  # before any thinking
        [20, OPEN, 21, CLOSE, 22],  # after it
        None,  # an empty place
        [20, OPEN, 21, CLOSE, 22, OPEN],  # thinks again, as the prompt of a later turn does
    ]
    logits = torch.randn(5, 128)
    before = logits.clone()
    changed = bound(rows, logits)
    assert torch.equal(logits, before)  # not written into
    same = [torch.equal(a, b) for a, b in zip(changed, logits, strict=True)]
    assert same == [False, True, True, True, False]


def test_follows_a_row_token_by_token(bound):
    """Into the thinking, into a tool call and out of it, and to the end for good."""
    row, seen = [20], []
    for token in (21, OPEN, 22, CALL, 23, CALLED, 24, CLOSE, 25, OPEN, 26):
        row.append(token)
        logits = torch.randn(1, 128)
        if len(row) > 2:
            seen.append(not torch.equal(bound([list(row)], logits), logits))
        else:
            bound([list(row)], logits)
    assert seen == [True, True, False, False, True, True, False, False, False, False]


def test_each_row_is_changed_alone(member, words):
    """Whatever stands beside it, and wherever the engine moves it."""
    rows = [[20 + i, OPEN, 30 + i] for i in range(4)]
    logits = torch.randn(4, 128)
    together = member.bind(words, ThinkTags())(rows, logits)
    for i in range(4):
        alone = member.bind(words, ThinkTags())([rows[i]], logits[i : i + 1])
        assert torch.equal(together[i : i + 1], alone)
    moved = member.bind(words, ThinkTags())
    moved(rows, logits)
    grown = [[*row, CLOSE if i == 2 else 50] for i, row in enumerate(rows)]
    order = [3, 2, 0]
    found = moved([*(grown[i] for i in order), None], logits)
    assert [torch.equal(a, b) for a, b in zip(found, logits, strict=True)] == [
        False,
        True,
        False,
        True,
    ]


def test_equal_rows_do_not_mix(member, words):
    """Two samples of one prompt, of which one ends its thinking."""
    bound, logits = member.bind(words, ThinkTags()), torch.randn(2, 128)
    bound([[20, OPEN], [20, OPEN]], logits)
    found = bound([[20, OPEN, CLOSE], [20, OPEN, 21]], logits)
    assert [torch.equal(a, b) for a, b in zip(found, logits, strict=True)] == [True, False]


def test_strength_zero_changes_nothing(member, words):
    logits = torch.randn(2, 128)
    off = replace(member, strength=0.0).bind(words, ThinkTags())
    torch.testing.assert_close(off([[OPEN, 20], [OPEN, 21]], logits), logits, rtol=0, atol=0)


def test_a_negative_strength_is_refused(member):
    with pytest.raises(ValueError, match="strength=-1 must be at least 0"):
        replace(member, strength=-1)


def test_greedy_without_strength_is_the_model_alone(member, lively, words, prompts):
    model, tags = lively("llama"), ThinkTags()
    plain = [g.token_ids for g in generate(model, words, prompts[:6], None, Decoding(NEW))]
    off = replace(member, strength=0.0).bind(words, tags)
    assert run(model, words, prompts[:6], off) == plain
    rule = _hundredfold(member).bind(words, tags)
    assert run(model, words, prompts[:6], rule) != plain


def _hundredfold(member):
    return replace(member, strength=100 * member.strength)


def test_the_batch_changes_nothing(member, lively, words, prompts):
    model = lively("llama")
    alone, some, crowd = (
        run(model, words, prompts[:5], member.bind(words, ThinkTags()), batch_size=b, temperature=1)
        for b in (1, 2, 64)
    )
    assert alone == some == crowd


def test_noted_logprobs_stay_the_models(member, lively, words, prompts):
    model, rule = lively("qwen3"), member.bind(words, ThinkTags())
    loop = Loop(model, words, None, Decoding(NEW), [rule])
    (generation,) = loop.run(prompts[:1], notes=TokenNotes())
    ids = torch.tensor([prompts[0] + generation.token_ids])
    with torch.inference_mode():
        logprobs = model(ids).logits[0, len(prompts[0]) - 1 : -1].float().log_softmax(-1)
    picked = logprobs.gather(-1, ids[0, len(prompts[0]) :, None])[:, 0]
    assert generation.logprobs == pytest.approx(picked.tolist(), abs=1e-3)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_generate_equals_the_own_loop(
    name, member, lively, words, prompts, reading, left_padded, written
):
    """With an exit controller, which wins: rows leave at the same cues, and close as it says."""
    model, rule = lively(name), member
    seen = generate(model, words, prompts, reading(2.0), Decoding(NEW))
    controller = reading(float(torch.tensor([s for g in seen for s in g.scores]).quantile(0.5)))
    expected = run(model, words, prompts, rule.bind(words, ThinkTags()), controller, batch_size=8)
    inputs = left_padded(prompts)
    settings = {**inputs, "max_new_tokens": NEW, "do_sample": False}
    with attach(model, words, controller) as attachment:
        processor = RowIntervention(rule.bind(words, ThinkTags()))
        output = model.generate(**settings, logits_processor=[processor])
    assert written(output, inputs["input_ids"].shape[1], {2}) == expected
    assert any(row.exit for row in attachment.rows)
    bare = [g.token_ids for g in generate(model, words, prompts, controller, Decoding(NEW))]
    assert expected != bare  # it did act


def test_nothing_stays_behind_after_an_exception(member, lively, words, prompts):
    model = lively("llama")

    def fail(rows, logits):
        raise RuntimeError("stop")

    rules = [member.bind(words, ThinkTags()), fail]
    with pytest.raises(RuntimeError, match="stop"):
        Loop(model, words, None, Decoding(NEW), rules).run(prompts)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    plain = [g.token_ids for g in generate(model, words, prompts[:4], None, Decoding(NEW))]
    off = replace(member, strength=0.0).bind(words, ThinkTags())
    assert run(model, words, prompts[:4], off) == plain
