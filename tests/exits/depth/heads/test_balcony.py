"""Balcony: a real layer with keys and values of its own, which reads the text before."""

from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import record
from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.deciders.schedule import Schedule
from probexit.exits.depth.heads.balcony import Balcony
from probexit.exits.depth.heads.block import ExitBlock
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.static import Static
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.distil import Distillation, distil
from probexit.hooks.layers import decoder_layers, hidden_of

EXIT = 2
OPTIONS = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": None}
AT_ONCE = Schedule(deepest=0.0, shallowest=0.0)


@pytest.fixture
def texts() -> list[list[int]]:
    return torch.randint(3, 97, (12, 24)).tolist()


@pytest.fixture
def trained(deep_model: Any, texts: Any) -> tuple[Any, Balcony]:
    model, head = deep_model("llama"), Balcony()
    distil(model, head, texts, [EXIT], Distillation(steps=5, batch=48))
    return model, head


def states(model: Any, ids: Tensor, layer: int) -> Tensor:
    seen = []
    module = decoder_layers(model)[layer]
    handle = module.register_forward_hook(lambda m, args, output: seen.append(hidden_of(output)))
    with torch.inference_mode():
        model(input_ids=ids, use_cache=False)
    handle.remove()
    return seen[0]


def test_the_new_layer_begins_as_the_last_one(deep_model: Any, prompt: Tensor) -> None:
    model, head = deep_model("qwen3"), Balcony()
    head.adopt(model)
    head.prepare([4], 32)
    before_last = states(model, prompt, 4)
    with torch.inference_mode():
        read = head.over_text(before_last, 4, use_cache=False)
    assert torch.allclose(read, states(model, prompt, 5), atol=1e-5)


def test_it_attends_to_the_text_before(trained: Any) -> None:
    _, head = trained
    hidden = torch.randn(1, 6, 32)
    other = hidden.clone()
    other[0, 0] += 1
    with torch.inference_mode():
        a, b = (head.over_text(h, EXIT, use_cache=False)[0, -1] for h in (hidden, other))
    assert not torch.allclose(a, b, atol=1e-4)  # a block without attention could not tell


def test_cached_steps_are_the_whole_text(trained: Any, prompt: Tensor) -> None:
    """Token by token through its own cache, as if the text had been read at once."""
    model, head = trained
    with DepthController(ExitRule((EXIT,), AT_ONCE, head, 0.5), Static()).attach(model) as attached:
        text = model.generate(prompt, **OPTIONS)
    readout = Readout(model, head)
    with torch.inference_mode():
        read = head.over_text(states(model, text, EXIT), EXIT, use_cache=False)
        whole = readout.logits(read[0], readout.depth - 1).argmax(-1)
    assert text[0, prompt.shape[1] :].tolist() == whole[prompt.shape[1] - 1 : -1].tolist()
    assert set(attached.trace.row()) == {EXIT + 1 + 1}  # its own layer counts
    assert attached.executed[EXIT + 1 :] == (0,) * 3  # neither prompt nor text went deeper


def test_recorded_tokens_are_read_with_the_text_before_them(trained: Any, texts: Any) -> None:
    """Exits and thresholds are chosen on what is deployed, not on tokens without their text."""
    model, head = trained
    readout, start = Readout(model, head), 5
    found = record(model, readout, texts[:2], [EXIT], [start, start])
    (look,) = found.looks()
    with torch.inference_mode():
        whole = states(model, torch.tensor(texts[:2]), EXIT)
        read = head.over_text(whole, EXIT)[:, start:-1].flatten(0, 1)
        expected = readout.logits(read, readout.depth - 1)
        alone = readout.logits(whole[:, start:-1].flatten(0, 1), EXIT)
    assert torch.allclose(look.logits, expected, atol=1e-4)
    assert torch.allclose(look.columns(look.tokens[:, None])[:, 0], look.logits.amax(-1), atol=1e-4)
    assert not torch.allclose(alone, expected, atol=1e-2)
    (later,) = found.split(0.5)[1].looks()
    assert torch.equal(later.logits, look.logits[len(look.logits) // 2 :])


def test_the_prompt_is_decided_on_with_the_text_before(trained: Any, prompt: Tensor) -> None:
    model, head = trained
    readout = Readout(model, head)
    with torch.inference_mode():
        read = head.over_text(states(model, prompt, EXIT), EXIT)[:, -1]
        sure = float(readout.logits(read, readout.depth - 1).softmax(-1).max())
    for threshold, ran in ((sure - 1e-4, EXIT + 2), (sure + 1e-4, readout.depth)):
        rule = ExitRule((EXIT,), MaxProbability(), head, threshold)
        with DepthController(rule, Static()).attach(model) as attached:
            model.generate(prompt, **OPTIONS)
        assert set(attached.trace.row()) == {ran}


def test_two_texts_do_not_share_keys(trained: Any, prompt: Tensor) -> None:
    model, head = trained
    rule = ExitRule((EXIT,), AT_ONCE, head, 0.5)
    with DepthController(rule, Static()).attach(model):
        first, again = (model.generate(prompt, **OPTIONS) for _ in range(2))
    assert torch.equal(first, again)


def test_distilling_brings_it_closer_and_leaves_the_model_alone(
    deep_model: Any, texts: Any
) -> None:
    model, head = deep_model("llama"), Balcony()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses = distil(model, head, texts, [EXIT], Distillation(steps=80, batch=96, rate=5e-3))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_modes_with_holes_are_refused(trained: Any) -> None:
    _, head = trained
    with pytest.raises(ValueError, match="mode static only, not in Leave"):
        DepthController(ExitRule((EXIT,), AT_ONCE, head), Leave())
    DepthController(ExitRule((EXIT,), AT_ONCE, ExitBlock()), Leave())


def test_a_model_with_learnt_positions_is_refused(deep_model: Any) -> None:
    with pytest.raises(ValueError, match="cannot add a layer to a gpt2"):
        Balcony().adopt(deep_model("gpt2"))


def test_one_prompt_at_a_time(trained: Any, prompt: Tensor) -> None:
    model, head = trained
    rule = ExitRule((EXIT,), AT_ONCE, head, 0.5)
    two = torch.cat([prompt, prompt])
    with (
        DepthController(rule, Static()).attach(model),
        pytest.raises(ValueError, match="2 prompts at once"),
    ):
        model.generate(two, **OPTIONS)
