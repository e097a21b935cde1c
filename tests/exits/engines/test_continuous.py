"""Continuous batching under the controller: what the own loop writes, request by request."""

from collections.abc import Callable
from typing import Any

import pytest
from transformers import DynamicCache, GenerationConfig
from transformers.generation.configuration_utils import CompileConfig, ContinuousBatchingConfig

from probexit.exits.engines import continuous
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.exits.policies.never import Never
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.hooks.end_ids import end_ids
from probexit.hooks.forward import generate_cache_name

NEW = 30
FIELDS = ContinuousBatchingConfig.__dataclass_fields__
PAGE = "page_size" if "page_size" in FIELDS else "block_size"  # its name before 5.24
SMALL = {"num_blocks": 64, "max_batch_tokens": 48, PAGE: 8}
Prompts = list[list[int]]


def settings(model: Any, words: Any, **others: Any) -> GenerationConfig:
    end = sorted(end_ids(model, words))
    return GenerationConfig(max_new_tokens=NEW, do_sample=False, eos_token_id=end, **others)


def packed(model: Any, words: Any, prompts: Prompts, **cache: Any) -> list[list[int]]:
    config = ContinuousBatchingConfig(**{**SMALL, **cache})
    done = model.generate_batch(
        prompts, generation_config=settings(model, words), continuous_batching_config=config
    )
    errors = [out.error for out in done.values() if out.error]
    assert not errors, errors[0]
    return [out.generated_tokens for out in done.values()]


def looped(model: Any, words: Any, prompts: Prompts, controller: Any) -> Any:
    return generate(model, words, prompts, controller, Decoding(NEW, batch_size=8))


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_requests_leave_where_rows_of_the_loop_leave(
    name: str, lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    model, controller = lively(name), reading(0.5, answer_tokens=6)
    wanted = looped(model, words, prompts, controller)
    assert 0 < sum(row.exit is not None for row in wanted) < len(wanted)  # some leave, not all
    with attach(model, words, controller) as attachment:
        assert packed(model, words, prompts) == [row.token_ids for row in wanted]
        rows = attachment.requests
    assert [rows[f"req_{i}"].exit for i in range(len(prompts))] == [row.exit for row in wanted]
    assert [len(rows[f"req_{i}"].scores) for i in range(3)] == [len(w.scores) for w in wanted[:3]]


def test_prompts_in_parts_and_little_memory_change_nothing(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    """Prompts longer than a batch come in parts; requests are put aside where blocks run out."""
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    wanted = [row.token_ids for row in looped(model, words, prompts, controller)]
    with attach(model, words, controller):
        assert packed(model, words, prompts, max_batch_tokens=11, num_blocks=20) == wanted


def test_a_controller_that_never_exits_changes_nothing(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    model = lively("llama")
    plain = packed(model, words, prompts)
    with attach(model, words, reading(0.0, policy=Never())):
        assert packed(model, words, prompts) == plain
    hooks = [len(module._forward_hooks) for module in model.modules()]
    assert not any(hooks)
    assert not model._forward_pre_hooks
    assert "init_continuous_batching" not in vars(model)
    assert packed(model, words, prompts) == plain


def test_a_request_may_go_without(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    """Attached and unattached requests stand in one batch, each with a limit of its own."""
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    free = [row.token_ids for row in looped(model, words, prompts, None)]
    held = looped(model, words, prompts, controller)
    with attach(model, words, controller):
        config = ContinuousBatchingConfig(**SMALL)
        manager = model.init_continuous_batching(settings(model, words), config)
        manager.start()
        for i, prompt in enumerate(prompts):
            manager.add_request(prompt, f"{i}", probexit=bool(i % 2))
        done = {}
        while len(done) < len(prompts):
            out = manager.get_result(timeout=20)
            assert out is not None
            assert out.error is None
            done[int(out.request_id)] = out.generated_tokens
        manager.stop(block=True)
        manager.destroy()
    for i, tokens in done.items():
        assert tokens == (held[i].token_ids if i % 2 else free[i])


@pytest.mark.parametrize(
    ("config", "batching", "message"),
    [
        ({"num_return_sequences": 2}, {}, "num_return_sequences"),
        ({"num_beams": 2}, {}, "num_beams"),
        ({}, {"use_async_batching": True}, "use_async_batching"),
        ({}, {"varlen_compile_config": CompileConfig()}, "varlen_compile_config"),
    ],
)
def test_modes_that_run_ahead_are_refused(
    lively: Callable[..., Any],
    words: Any,
    reading: Callable[..., Any],
    config: dict[str, Any],
    batching: dict[str, Any],
    message: str,
) -> None:
    model = lively("llama")
    with attach(model, words, reading(0.5)), pytest.raises(ValueError, match=message):
        model.init_continuous_batching(
            settings(model, words, **config), ContinuousBatchingConfig(**SMALL, **batching)
        )
    assert model.config._attn_implementation == "sdpa"


def test_trial_answers_are_refused(
    lively: Callable[..., Any], words: Any, reading: Callable[..., Any]
) -> None:
    from dataclasses import replace

    model = lively("llama")
    asking = replace(reading(0.5), signal=TrialConfidence(3))
    with attach(model, words, asking), pytest.raises(ValueError, match="decodes a trial answer"):
        model.generate_batch([[5, 3]], generation_config=settings(model, words))


def test_states_that_did_not_come_are_an_error(
    lively: Callable[..., Any], words: Any, reading: Callable[..., Any]
) -> None:
    """A hook that is skipped fails the requests aloud; it is no silent absence of exits."""
    model = lively("llama")
    config = ContinuousBatchingConfig(**SMALL)
    with attach(model, words, reading(0.5)) as attachment:
        manager = model.init_continuous_batching(settings(model, words), config)
        attachment._batched[-1][1].capture._remove()
        manager.start()
        manager.add_request([20, 21, 3], "0")
        out = manager.get_result(timeout=20)
        manager.stop(block=True)
        manager.destroy()
    assert out is not None
    assert "was not seen" in str(out.error)


def test_the_cache_of_generate_is_untouched_by_it(
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Callable[..., Any],
    left_padded: Callable[..., Any],
) -> None:
    """Both ways work inside one block."""
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    inputs = left_padded(prompts)
    with attach(model, words, controller) as attachment:
        first = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
        packed(model, words, prompts)
        exits = [row.exit for row in attachment.rows]
        again = model.generate(
            **inputs,
            max_new_tokens=NEW,
            do_sample=False,
            **{generate_cache_name(): DynamicCache(config=model.config)},
        )
    assert first.tolist() == again.tolist()
    assert exits == [row.exit for row in attachment.rows]


def test_no_logits_processor_takes_back_an_order(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Callable[..., Any]
) -> None:
    """A bias against the closing tag keeps the model from writing it, not the controller."""
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    tag = controller.closing_ids(words)[0]
    config = settings(model, words, sequence_bias=[[[tag], -1e9]])
    with attach(model, words, controller) as attachment:
        done = model.generate_batch(
            prompts,
            generation_config=config,
            continuous_batching_config=ContinuousBatchingConfig(**SMALL),
        )
        left = [name for name, row in attachment.requests.items() if row.exit is not None]
    assert left
    assert all(tag in done[name].generated_tokens for name in left)


def test_the_oldest_rows_are_forgotten_first(
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is remembered is bounded, and a request that runs is never dropped before one done."""
    monkeypatch.setattr(continuous, "KEPT", 3)
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    wanted = looped(model, words, prompts[:3], controller)
    with attach(model, words, controller) as attachment:
        for prompt, row in zip(prompts[:3], wanted, strict=True):
            assert packed(model, words, [prompt]) == [row.token_ids]
        assert packed(model, words, prompts[:3]) == [row.token_ids for row in wanted]
        assert len(attachment.requests) <= 3
