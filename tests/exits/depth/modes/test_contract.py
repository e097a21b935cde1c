"""Every mode obeys the contract; members are found by walking the package."""

import inspect
import pkgutil
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.depth import modes
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.interception.sublayers import Skips
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.full import Full
from probexit.exits.depth.modes.layer_set_drafts import LayerSetDrafts
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.self_speculation import SelfSpeculation
from probexit.exits.depth.rule import ExitRule
from probexit.exits.engines.generate import attach
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.deer import DeerArithmetic
from probexit.exits.signals.probe import ProbeSignal
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.random_direction import RandomDirection

MADE = {
    "LayerSetDrafts": lambda cls: cls(skipped=(2, 4)),
    "SublayerDrafts": lambda cls: cls(skipped=Skips((2, 4), (1, 2, 4))),
}
OPTIONS = {"max_new_tokens": 16, "do_sample": False, "eos_token_id": None}


def members() -> list[type[Mode]]:
    found = []
    for module in pkgutil.iter_modules(modes.__path__, modes.__name__ + "."):
        for _, cls in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(cls, Mode) and not inspect.isabstract(cls):
                found.append(cls)
    return sorted(set(found), key=lambda cls: cls.__name__)


def test_members_are_found() -> None:
    assert len(members()) >= 6


@pytest.mark.parametrize("cls", members())
def test_contract(
    cls: type[Mode], deep_model: Any, coin: Any, prompt: Tensor, tmp_path: Any
) -> None:
    model = deep_model("llama")
    mode = MADE.get(cls.__name__, lambda cls: cls())(cls)
    plain = model.generate(prompt, **OPTIONS)
    with DepthController(ExitRule((1, 3), coin, PlainHead(), 0.5), mode).attach(model) as attached:
        text = model.generate(prompt, **OPTIONS)
    assert torch.equal(text, plain) == mode.lossless
    assert 1 <= attached.trace.mean_depth() <= 12
    assert len(attached.trace.row()) >= 15  # the first token is the prompt's own
    assert set(attached.trace.row()) <= set(range(1, 7))
    assert mode.steady == (mode.with_drafts(3) is mode)  # what drafts takes tokens back
    with DepthController(ExitRule((1, 3), coin, PlainHead()), mode).attach(model):
        assert torch.equal(model.generate(prompt, **OPTIONS), plain)  # infinity never leaves
    assert torch.equal(model.generate(prompt, **OPTIONS), plain)
    made = DepthController(ExitRule((1, 3), Gap(), PlainHead(), 0.5), mode)
    made.save(tmp_path)
    assert DepthController.load(tmp_path) == made


class StopsAt(Gap):
    """Ends the text of the first row at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def score(self, look: LayerView) -> Tensor:
        return torch.zeros(len(look.hidden))

    def stops(self, look: LayerView) -> Tensor:
        here = look.step == self.step and look.layer == 1
        return torch.tensor([here and row == 0 for row in range(len(look.hidden))])


@pytest.mark.parametrize("mode", [Leave(), CatchUp()])
def test_a_decider_can_end_a_text(deep_model: Any, prompt: Tensor, mode: Mode) -> None:
    model = deep_model("llama")
    model.generation_config.eos_token_id = 2
    rule = ExitRule((1, 3), StopsAt(4), PlainHead(), 0.5)
    with DepthController(rule, mode).attach(model):
        text = model.generate(prompt, max_new_tokens=16, do_sample=False)
    assert text.shape[1] == 9 + 5
    assert text[0, -1] == 2


def test_one_row_may_end_and_the_other_go_on(deep_model: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    model.generation_config.eos_token_id = 2
    rule = ExitRule((1, 3), StopsAt(4), PlainHead(), 0.5)
    two = torch.cat([prompt, prompt])
    with DepthController(rule, Leave()).attach(model):
        text = model.generate(
            two, attention_mask=torch.ones_like(two), max_new_tokens=10, do_sample=False
        )
    assert text[0, 13] == 2
    assert (text[1] != 2).all()


def test_catching_up_is_audited(deep_model: Any, always: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    rule = ExitRule((1, 3), always, PlainHead(), 0.5)
    with DepthController(rule, CatchUp(audits=0.5, seed=1)).attach(model) as attached:
        model.generate(prompt, max_new_tokens=30, do_sample=False, eos_token_id=None)
    audited = [step for step in attached.trace.steps if step.audits]
    assert 5 < len(audited) < 25
    assert {step.depths for step in audited} == {(6,)}
    assert {step.depths for step in attached.trace.steps if not step.audits} <= {(2,), (6,)}
    for step in audited:
        (audit,) = step.audits
        assert audit.layer == 1
        assert audit.agrees == audit.agreement[0]


def test_sets_of_layers_must_exist(deep_model: Any, always: Any) -> None:
    model = deep_model("llama")
    for skipped in ((), (7,), (0, 1, 2, 3, 4, 5)):
        controller = DepthController(
            ExitRule((1,), always, PlainHead()), LayerSetDrafts(skipped=skipped)
        )
        with pytest.raises(ValueError, match="some, not all"), controller.attach(model):
            pass


def test_a_probe_above_the_exits_is_refused(
    deep_model: Any, always: Any, byte_tokenizer: Any
) -> None:
    model = deep_model("llama", vocab_size=len(byte_tokenizer))
    probe = RandomDirection().fit(torch.randn(20, 32), torch.arange(20) % 2)

    def reasoning(layer: int) -> ExitController:
        signal = ProbeSignal(probe, (layer,), (layer,))
        return ExitController(EveryK(3), signal, Threshold(0.5), ThinkTags(), " So")

    rule = ExitRule((2, 4), always, PlainHead(), 0.5)
    depth = DepthController(rule, Leave())
    with (
        attach(model, byte_tokenizer, reasoning(3)),
        pytest.raises(ValueError, match="reads layer 3"),
        depth.attach(model),
    ):
        pass
    with attach(model, byte_tokenizer, reasoning(2)), depth.attach(model):
        pass


def thinks(model: Any, byte_tokenizer: Any) -> tuple[Any, Any, dict[str, Any]]:
    """A reasoning controller that leaves after a few tokens, a prompt, and settings."""
    probe = RandomDirection().fit(torch.randn(20, 32), torch.arange(20) % 2)
    signal = ProbeSignal(probe, (1,), (1,))
    controller = ExitController(EveryK(3), signal, Threshold(-1.0), ThinkTags(), " So")
    tags = [i for t, i in byte_tokenizer.get_vocab().items() if t.startswith("<")]
    options = {"max_new_tokens": 60, "suppress_tokens": tags, "do_sample": False}
    prompt = torch.tensor([byte_tokenizer.encode("<think> 17 + 25")])
    return controller, prompt, options | {"eos_token_id": None}


@pytest.mark.parametrize("mode", [Leave(), CatchUp(), Full()])
def test_a_reasoning_controller_works_inside(
    deep_model: Any, coin: Any, byte_tokenizer: Any, mode: Mode
) -> None:
    model = deep_model("llama", vocab_size=len(byte_tokenizer))
    controller, prompt, options = thinks(model, byte_tokenizer)
    depth = DepthController(ExitRule((1, 3), coin, PlainHead(), 0.5), mode)
    with depth.attach(model) as attached:
        with attach(model, byte_tokenizer, controller) as thinking:
            ids = model.generate(prompt, **options)
        assert thinking.rows[0].exit is not None
        assert "</think> So" in byte_tokenizer.decode(ids[0])
        plainly = model.generate(prompt, **options)  # layer exits go on without it
        assert "</think>" not in byte_tokenizer.decode(plainly[0])
    assert len(set(attached.trace.row())) > 1 or isinstance(mode, Full)
    assert "generate" not in vars(model)


def test_both_orders_write_the_same(deep_model: Any, coin: Any, byte_tokenizer: Any) -> None:
    model = deep_model("llama", vocab_size=len(byte_tokenizer))
    controller, prompt, options = thinks(model, byte_tokenizer)
    depth = DepthController(ExitRule((1, 3), coin, PlainHead(), 0.5), Leave())
    with depth.attach(model), attach(model, byte_tokenizer, controller):
        inside = model.generate(prompt, **options)
    with attach(model, byte_tokenizer, controller), depth.attach(model):
        around = model.generate(prompt, **options)
    assert torch.equal(inside, around)


def test_what_cannot_work_with_a_reasoning_controller_is_named(
    deep_model: Any, always: Any, byte_tokenizer: Any
) -> None:
    model = deep_model("llama", vocab_size=len(byte_tokenizer))
    controller, prompt, options = thinks(model, byte_tokenizer)
    rule = ExitRule((2, 4), always, PlainHead(), 0.5)
    with (
        attach(model, byte_tokenizer, controller),
        pytest.raises(ValueError, match="loop of its own, which must be in place before"),
        DepthController(rule, CatchUp()).attach(model),
    ):
        pass
    with (
        DepthController(rule, SelfSpeculation()).attach(model),
        attach(model, byte_tokenizer, controller),
        pytest.raises(ValueError, match="drafts tokens and takes some back"),
    ):
        model.generate(prompt, **options)
    low = DepthController(ExitRule((0, 4), always, PlainHead(), 0.5), Leave())
    with (
        low.attach(model),
        attach(model, byte_tokenizer, controller),
        pytest.raises(ValueError, match="reads layer 1"),
    ):
        model.generate(prompt, **options)
    trials = replace(controller, signal=DeerArithmetic())
    with (
        attach(model, byte_tokenizer, trials),
        pytest.raises(ValueError, match="passes of its own"),
        DepthController(rule, Leave()).attach(model),
    ):
        pass
