"""The own loop against ``model.generate``, and against itself in other batches."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import cache_utils

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop, generate
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.policies.never import Never
from probexit.hooks.capture import CaptureError
from probexit.hooks.end_ids import end_ids

NEW = 36
ARCHITECTURES = ("llama", "qwen3", "gpt2", "gpt_neox", "gemma3", "mixtral", "gemma3_vision")
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)
Prompts = list[list[int]]


def tokens(generations: list[Generation]) -> list[list[int]]:
    return [g.token_ids for g in generations]


def run(model: Any, tokenizer: Any, prompts: Prompts, batch: int, controller: Any = None) -> Any:
    return generate(model, tokenizer, prompts, controller, Decoding(NEW, batch_size=batch))


def end_early(model: Any, tokenizer: Any, prompts: Prompts) -> None:
    """Let a word that some rows come to write end the sequence, each at its own time."""
    rows = tokens(run(model, tokenizer, prompts, 64))
    ends = {t: {row.index(t) for row in rows if t in row} for row in rows for t in row}
    model.generation_config.eos_token_id = [2, max(ends, key=lambda t: (len(ends[t]), t))]


@every_architecture
def test_greedy_equals_model_generate(
    name: str,
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Callable[..., Any],
    left_padded: Callable[..., Any],
    written: Callable[..., Any],
) -> None:
    model = lively(name)
    end_early(model, words, prompts)
    inputs = left_padded(prompts)
    output = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
    expected = written(output, inputs["input_ids"].shape[1], end_ids(model, words))
    assert len({len(row) for row in expected}) > 2  # rows end at different times
    assert max(map(len, expected)) > 20  # longer than Gemma's sliding window of 16
    assert tokens(run(model, words, prompts, 64)) == expected
    never = reading(0.0, policy=Never())
    watched = run(model, words, prompts, 8, never)
    assert tokens(watched) == expected
    assert all(g.exit is None for g in watched)
    assert sum(len(g.scores) for g in watched) > 50  # it did look


@every_architecture
def test_batch_size_changes_nothing(
    name: str,
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Callable[..., Any],
) -> None:
    """With batches of 4 prompts wait, enter in place of others, and rows are dropped at the end."""
    model, prompts = lively(name), prompts[:10]
    end_early(model, words, prompts)
    scores = [s for g in run(model, words, prompts, 64, reading(2.0)) for s in g.scores]
    rule = reading(float(torch.tensor(scores).quantile(0.8)))
    alone, some, all_together = (run(model, words, prompts, b, rule) for b in (1, 4, 64))
    assert tokens(alone) == tokens(some) == tokens(all_together)
    assert [g.exit and g.exit.cue for g in alone] == [g.exit and g.exit.cue for g in some]
    left = [g.exit is not None for g in alone]
    assert any(left)
    assert not all(left)
    assert alone[0].scores == pytest.approx(some[0].scores, abs=1e-5)


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_many_prompts_are_read_in_parts(
    name: str,
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control is one pass over all prompts, which is larger than the limit."""
    model, sizes = lively(name), []

    def note(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        sizes.append(tuple(kwargs["input_ids"].shape))

    model.register_forward_pre_hook(note, with_kwargs=True)
    whole = tokens(run(model, words, prompts, 64))
    limit = 2 * max(map(len, prompts))
    assert (len(prompts), limit // 2) in sizes
    sizes.clear()
    monkeypatch.setattr("probexit.exits.engines.loop.prefill_tokens", lambda _model: limit)
    assert tokens(run(model, words, prompts, 64)) == whole
    read = [rows * columns for rows, columns in sizes if columns > 1]
    assert len(read) > 1
    assert max(read) <= limit
    together = max(rows for rows, columns in sizes if columns == 1)
    assert together >= len(prompts) - 1  # a row may end at its first token


def test_sampled_rows_do_not_depend_on_the_batch(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    model, rule, prompts = lively("llama"), reading(0.6), prompts[:10]
    hot = Decoding(NEW, temperature=1.0, top_p=0.9)
    alone, some = (
        tokens(generate(model, words, prompts, rule, replace(hot, batch_size=b))) for b in (1, 4)
    )
    assert alone == some
    assert tokens(generate(model, words, prompts, rule, replace(hot, seed=1))) != alone
    assert alone != tokens(run(model, words, prompts, 8, rule))


def test_sampling_follows_the_key_not_the_place(
    lively: Callable[..., Any], words: Any, prompts: Prompts
) -> None:
    loop = Loop(lively("llama"), words, None, Decoding(NEW, temperature=1.0))
    there = tokens(loop.run(prompts[:4], keys=[9, 8, 7, 6]))
    assert tokens(loop.run(prompts[3::-1], keys=[6, 7, 8, 9])) == there[::-1]


def test_the_answer_is_greedy_after_an_exit(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    model, rule = lively("llama"), reading(-1.0)
    cold, hot = (
        generate(model, words, prompts, rule, Decoding(NEW, temperature=t, seed=3))
        for t in (0.0, 1.5)
    )
    pairs = [(p, g.token_ids) for p, g in zip(prompts, hot, strict=True) if g.exit]
    assert len(pairs) > 10  # the others ended by themselves, before the first cue
    assert tokens(cold) != tokens(hot)
    for prompt, ids in pairs[:5]:
        assert ids[3:5] == rule.closing_ids(words)
        (rest,) = generate(model, words, [prompt + ids[:5]], None, Decoding(NEW - 5))
        assert rest.token_ids == ids[5:]


def test_finished_rows_are_not_computed(
    lively: Callable[..., Any], words: Any, prompts: Prompts
) -> None:
    model = lively("llama")
    end_early(model, words, prompts)
    alone = Loop(model, words, None, Decoding(NEW, batch_size=1))
    total = sum(map(len, tokens(alone.run(prompts))))
    assert alone.rows_run == alone.steps == total  # a pass of one row per token
    crowd = Loop(model, words, None, Decoding(NEW, batch_size=8))
    crowd.run(prompts)
    assert total <= crowd.rows_run <= 1.4 * total
    assert crowd.rows_run < 8 * crowd.steps
    before = (crowd.steps, crowd.rows_run)
    crowd.run(prompts)  # a loop can run again
    assert (crowd.steps, crowd.rows_run) == before


def test_a_loop_with_a_probe_can_run_again(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    loop = Loop(lively("llama"), words, reading(0.6), Decoding(NEW))
    assert tokens(loop.run(prompts)) == tokens(loop.run(prompts))


def test_logprobs_and_entropies_are_the_models(
    lively: Callable[..., Any], words: Any, prompts: Prompts
) -> None:
    model = lively("qwen3")
    assert not run(model, words, prompts[:3], 8)[0].logprobs  # nobody asked for them
    noted = Loop(model, words, None, Decoding(NEW)).run(prompts[:3], notes=TokenNotes())
    for generation, prompt in zip(noted, prompts[:3], strict=True):
        ids = torch.tensor([prompt + generation.token_ids])
        with torch.inference_mode():
            logits = model(ids).logits[0, len(prompt) - 1 : -1].float()
        logprobs = logits.log_softmax(-1)
        picked = logprobs.gather(-1, ids[0, len(prompt) :, None])[:, 0]
        entropy = torch.distributions.Categorical(logits=logits).entropy()
        assert generation.logprobs == pytest.approx(picked.tolist(), abs=1e-4)
        assert generation.entropies == pytest.approx(entropy.tolist(), abs=1e-4)


def test_each_prompt_is_reported_once(
    lively: Callable[..., Any], words: Any, prompts: Prompts
) -> None:
    seen: dict[int, Generation] = {}
    loop = Loop(lively("gpt2"), words, None, Decoding(6, batch_size=3))
    results = loop.run(prompts, on_done=lambda i, g: seen.update({i: g}))
    assert [seen[i] for i in range(len(prompts))] == results
    assert all(not g.finished for g in results if len(g.token_ids) == 6 and g.token_ids[-1] != 2)


def test_nothing_to_do(lively: Callable[..., Any], words: Any) -> None:
    assert generate(lively("llama"), words, []) == []


def test_refusals(
    lively: Callable[..., Any], tiny_model: Callable[..., Any], words: Any, reading: Any
) -> None:
    model = lively("llama")
    with pytest.raises(ValueError, match="prompt is empty"):
        generate(model, words, [[5], []])
    with pytest.raises(ValueError, match="training mode"):
        generate(model.train(), words, [[5]])
    model.eval()
    with pytest.raises(ValueError, match="leaves no room for an answer"):
        generate(model, words, [[5]], reading(0.5, max_thinking=31), Decoding(NEW))


@pytest.mark.skipif(
    "indexed_attention" not in cache_utils.DYNAMIC_LAYER_TYPE_MAPPING,
    reason="this transformers has no model that says so",
)
def test_a_cache_whose_rows_cannot_move_is_refused(lively: Callable[..., Any], words: Any) -> None:
    model = lively("llama")
    model.config.layer_types = ["indexed_attention"] * 4
    with pytest.raises(ValueError, match="keeps a DynamicIndexedLayer, whose rows cannot move"):
        generate(model, words, [[5]])


def test_a_silent_hook_is_noticed_at_once(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    """As when a layer was compiled before the hook was set: ``forward`` is called past it."""
    model = lively("llama")
    layer = model.model.layers[1]
    layer.__class__ = type("Compiled", (layer.__class__,), {"__call__": layer.__class__.forward})
    loop = Loop(model, words, reading(0.5, layers=(1,)), Decoding(NEW))
    with pytest.raises(CaptureError, match="fired 0 times in 1 forward passes"):
        loop.run(prompts)
    assert loop.steps == 1
    assert not any(m._forward_hooks for m in model.modules())
