"""The controller inside ``model.generate``."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.exits.policies.never import Never
from probexit.hooks.capture import CaptureError

NEW = 36
ARCHITECTURES = ("llama", "qwen3", "gpt2", "gpt_neox", "gemma3", "mixtral", "gemma3_vision")
Prompts = list[list[int]]


@pytest.fixture
def rule(lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Any) -> Any:
    """``rule(model)``: a threshold at which some rows leave, at different cues, and some do not."""

    def middling(model: Any) -> Any:
        seen = generate(model, words, prompts, reading(2.0), Decoding(NEW))
        scores = torch.tensor([s for g in seen for s in g.scores])
        return reading(float(scores.quantile(0.85)))

    return middling


def untouched(model: Any) -> bool:
    return "generate" not in vars(model) and not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_equals_the_own_loop(
    name: str,
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    rule: Callable[..., Any],
    left_padded: Callable[..., Any],
    written: Callable[..., Any],
) -> None:
    model = lively(name)
    controller = rule(model)
    expected = generate(model, words, prompts, controller, Decoding(NEW, batch_size=8))
    inputs = left_padded(prompts)
    with attach(model, words, controller) as attachment:
        output = model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
    found = written(output, inputs["input_ids"].shape[1], {2})
    assert found == [g.token_ids for g in expected]
    assert [row.exit and row.exit.cue for row in attachment.rows] == [
        g.exit and g.exit.cue for g in expected
    ]
    left = {row.exit.cue for row in attachment.rows if row.exit}
    assert len(left) > 1
    assert None in [row.exit for row in attachment.rows]
    assert untouched(model)


def test_never_is_plain_generate(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Any, left_padded: Any
) -> None:
    """Bit for bit, scores and all, sampled too: the same random numbers are drawn."""
    model = lively("llama")
    settings = {
        **left_padded(prompts),
        "max_new_tokens": NEW,
        "output_scores": True,
        "return_dict_in_generate": True,
    }
    for sampled in (False, True):
        torch.manual_seed(7)
        plain = model.generate(**settings, do_sample=sampled)
        with attach(model, words, reading(0.0, policy=Never())) as attachment:
            torch.manual_seed(7)
            watched = model.generate(**settings, do_sample=sampled)
        assert torch.equal(plain.sequences, watched.sequences)
        assert all(map(torch.equal, plain.scores, watched.scores))
        assert sum(len(row.scores) for row in attachment.rows) > 20


def test_sampled_rows_close_and_answer_greedily(
    lively: Callable[..., Any],
    words: Any,
    prompts: Prompts,
    reading: Any,
    left_padded: Any,
    written: Any,
) -> None:
    model, controller = lively("llama"), reading(0.6)
    inputs = left_padded(prompts[:4])
    with attach(model, words, controller) as attachment:
        output = model.generate(
            **inputs,
            max_new_tokens=NEW,
            do_sample=True,
            temperature=1.3,
            top_p=0.9,
            top_k=0,
            num_return_sequences=3,
        )
    assert len(attachment.rows) == len(output) == 12
    closing = controller.closing_ids(words)
    rows = written(output, inputs["input_ids"].shape[1], {2})
    gone = [(i, row.exit.thinking) for i, row in enumerate(attachment.rows) if row.exit]
    assert len(gone) > 3
    for i, thinking in gone:
        ids = rows[i]
        assert ids[thinking : thinking + 2] == closing
        answer = ids[thinking + 2 :]
        assert answer[0] != 2  # not empty
        start = prompts[i // 3] + ids[: thinking + 2]
        (rest,) = generate(model, words, [start], None, Decoding(NEW - thinking - 2))
        assert rest.token_ids == answer
    by_prompt = [{tuple(o) for o in output[i : i + 3].tolist()} for i in range(0, 12, 3)]
    assert max(map(len, by_prompt)) > 1


@pytest.mark.parametrize(
    "settings",
    [
        {"num_beams": 2},
        {"assistant_model": object()},
        {"prompt_lookup_num_tokens": 3},
        {"guidance_scale": 1.5},
        {"prefill_chunk_size": 4},
        {"custom_generate": "somebody/loop"},
        {"generation_config": GenerationConfig(num_beams=4, max_new_tokens=9)},
    ],
)
def test_modes_that_cannot_work_are_refused_by_name(
    settings: dict[str, Any], lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    model = lively("llama")
    name = "num_beams" if "generation_config" in settings else next(iter(settings))
    settings = {"max_new_tokens": 9, **settings}
    with attach(model, words, reading(0.5)), pytest.raises(ValueError, match=name):
        model.generate(torch.tensor([[5, 3]]), **settings)
    assert untouched(model)


def test_modes_of_the_models_own_configuration_are_refused_too(
    lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    model = lively("llama")
    model.generation_config.num_beams = 3
    given = GenerationConfig(max_new_tokens=9)
    with attach(model, words, reading(0.5)), pytest.raises(ValueError, match="num_beams=3"):
        model.generate(torch.tensor([[5, 3]]), generation_config=given)
    model.generation_config.num_beams = 1
    with attach(model, words, reading(0.5)):
        assert model.generate(torch.tensor([[5, 3]]), generation_config=given).shape == (1, 11)


def test_calls_that_cannot_work_are_refused(
    lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    model, ids = lively("llama"), torch.tensor([[5, 3]])
    with attach(model, words, reading(0.5)):
        with pytest.raises(ValueError, match="give max_new_tokens"):
            model.generate(ids)
        with pytest.raises(ValueError, match="by keyword"):
            model.generate(ids, GenerationConfig(max_new_tokens=4))
        with pytest.raises(ValueError, match="give input_ids"):
            model.generate(inputs_embeds=torch.zeros(1, 2, 32), max_new_tokens=4)
        with pytest.raises(ValueError, match="attached to this model already"):
            attach(model, words, reading(0.5)).__enter__()
        model.train()
        with pytest.raises(ValueError, match="training mode"):
            model.generate(ids, max_new_tokens=4)
    with pytest.raises(ValueError, match="training mode"):
        attach(model, words, reading(0.5)).__enter__()
    assert untouched(model)


def test_everything_is_put_back_after_an_exception(
    lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    model, original = lively("llama"), RuntimeError("somebody else's")

    def broken(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        raise original

    with pytest.raises(RuntimeError) as caught, attach(model, words, reading(0.5)):
        model.generate(torch.tensor([[5, 3]]), max_new_tokens=9, logits_processor=[broken])
    assert caught.value is original
    assert untouched(model)
    with attach(model, words, reading(0.5)):  # and it can be attached again
        model.generate(torch.tensor([[5, 3]]), max_new_tokens=9)


@pytest.mark.parametrize("use_cache", [True, False])
def test_a_silent_hook_is_noticed(
    use_cache: bool, lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    """The hook fires in the prefill only, as under a compiled decoding step."""
    model = lively("llama")
    layer = model.model.layers[1]
    compiled = type("Compiled", (layer.__class__,), {"__call__": layer.__class__.forward})
    steps: list[int] = []

    def compile_now(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        layer.__class__ = compiled
        steps.append(1)
        return scores

    with (
        attach(model, words, reading(0.5, layers=(1,))),
        pytest.raises(CaptureError, match="fired 1 times in 2 forward passes"),
    ):
        model.generate(
            torch.tensor([[5, 3]]),
            max_new_tokens=9,
            logits_processor=[compile_now],
            use_cache=use_cache,
        )
    assert len(steps) == 2
    assert untouched(model)


def test_a_controller_of_another_model_is_refused(
    lively: Callable[..., Any], words: Any, reading: Any
) -> None:
    from probexit.exits.fingerprint import Fingerprint

    controller = reading(0.5, model=Fingerprint.of(lively("qwen3")))
    with pytest.raises(ValueError, match="this controller was made for"):
        attach(lively("llama"), words, controller).__enter__()
    with pytest.raises(ValueError, match="this controller was made for"):
        generate(lively("llama"), words, [[5]], controller)


def test_other_decoding_than_the_calibrated_one_is_told_once(
    lively: Callable[..., Any], words: Any, prompts: Prompts, reading: Any, left_padded: Any
) -> None:
    model, inputs = lively("llama"), left_padded(prompts[:1])
    promised = {"decoding": {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 4}}
    controller = replace(reading(2.0), certificate=promised)
    with attach(model, words, controller), warnings.catch_warnings():
        warnings.simplefilter("error")
        model.generate(**inputs, max_new_tokens=4, do_sample=False)
    with attach(model, words, controller):
        with pytest.warns(UserWarning, match=r"temperature is 1.0, was 0.0; max_new_tokens is 3"):
            model.generate(**inputs, max_new_tokens=3, do_sample=True, temperature=1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.generate(**inputs, max_new_tokens=3, do_sample=False)
