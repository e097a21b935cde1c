"""Every head obeys the contract; members are found by walking the package."""

import inspect
import pkgutil
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth import heads
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.block import ExitBlock
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.heads.trained import TrainedHead
from probexit.exits.depth.heads.translator import Translator
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.static import Static
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.distil import Distillation, distil

LAYERS = (1, 3)


def members() -> list[type[Head]]:
    found = []
    for module in pkgutil.iter_modules(heads.__path__, heads.__name__ + "."):
        for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(cls, Head) and not inspect.isabstract(cls):
                found.append(cls)
    return sorted(set(found), key=lambda cls: cls.__name__)


@pytest.fixture
def texts() -> list[list[int]]:
    return torch.randint(3, 97, (10, 30)).tolist()


def test_members_are_found() -> None:
    assert {PlainHead, Translator, ExitBlock} <= set(members())


@pytest.mark.parametrize("cls", members())
def test_contract(cls: type[Head], deep_model: Any, texts: Any, tmp_path: Any) -> None:
    model, head = deep_model("llama").requires_grad_(True), cls()
    if isinstance(head, TrainedHead):
        distil(model, head, texts, LAYERS, Distillation(steps=3, batch=8))
        with pytest.raises(ValueError, match="not for 2"):
            head.translate(torch.zeros(1, 32), 2)
    rule = ExitRule(LAYERS, Gap(), head, 0.5)
    mode = Static() if cls.attends else CatchUp() if cls.own_words else Leave()
    DepthController(rule, mode).save(tmp_path)
    loaded = DepthController.load(tmp_path).rule.head
    hidden = torch.randn(2, 5, 32)
    assert torch.equal(loaded.translate(hidden, 1), head.translate(hidden, 1))
    assert loaded.translate(hidden, 3).shape == hidden.shape


@pytest.mark.parametrize("head", [Translator(), ExitBlock(inner=1.0)])
def test_training_brings_exits_closer_and_leaves_the_model_alone(
    head: TrainedHead, deep_model: Any, texts: Any
) -> None:
    model = deep_model("llama")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses = distil(model, head, texts, LAYERS, Distillation(steps=60, batch=64, rate=1e-2))
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    plain = torch.randn(4, 32)
    assert not torch.equal(head.translate(plain, 1), plain)


def test_new_modules_are_the_identity() -> None:
    hidden = torch.randn(3, 32)
    for head in (Translator(), ExitBlock()):
        head.prepare([1], 32)
        assert torch.equal(head.translate(hidden, 1), hidden)


def test_a_token_that_leaves_is_read_through_its_head(
    deep_model: Any, texts: Any, always: Any, prompt: Tensor
) -> None:
    model, head = deep_model("gpt_neox"), Translator()
    distil(model, head, texts, LAYERS, Distillation(steps=20, batch=32, rate=1e-2))
    rule = ExitRule(LAYERS, always, head, 0.5)
    options = {"max_new_tokens": 4, "do_sample": False, "eos_token_id": None}
    with DepthController(rule, Leave()).attach(model):
        out = model.generate(
            prompt,
            output_hidden_states=True,
            output_logits=True,
            return_dict_in_generate=True,
            **options,
        )
    state = out.hidden_states[2][2][:, -1]  # after layer 1
    want = Readout(model, head).logits(state, 1)
    assert torch.allclose(out.logits[2], want, atol=1e-5)
    untrained = Readout(model, PlainHead()).logits(state, 1)
    assert not torch.allclose(out.logits[2], untrained, atol=1e-2)


def test_few_columns_are_columns_of_the_logits(deep_model: Any) -> None:
    readout = Readout(deep_model("gpt2"), PlainHead())
    hidden, tokens = torch.randn(3, 32), torch.randint(0, 97, (3, 4))
    some = readout.columns(hidden, 2, tokens)
    assert torch.allclose(some, readout.logits(hidden, 2).gather(1, tokens), atol=1e-5)
