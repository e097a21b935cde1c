"""Drafts without some sublayers: lossless, whatever is left out, and gone afterwards."""

from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.interception.sublayers import Skips, Sublayers
from probexit.exits.depth.modes.sublayer_drafts import SublayerDrafts
from probexit.exits.depth.rule import ExitRule

OPTIONS = {"max_new_tokens": 14, "do_sample": False, "eos_token_id": None}
EVERY = tuple(range(6))


def controller(skips: Skips) -> DepthController:
    return DepthController(ExitRule((1,), Gap(), PlainHead()), SublayerDrafts(skipped=skips))


@pytest.mark.parametrize("name", ["llama", "gpt2", "gpt_neox", "gemma3", "gpt_oss"])
def test_texts_are_the_full_models(name: str, deep_model: Any, prompt: Tensor) -> None:
    model = deep_model(name)
    plain = model.generate(prompt, **OPTIONS)
    for skips in (Skips((1, 2), (2, 4)), Skips(EVERY), Skips((), EVERY), Skips(EVERY, (1,))):
        with controller(skips).attach(model) as attached:
            assert torch.equal(model.generate(prompt, **OPTIONS), plain)
        assert any(r.drafts for r in attached.trace.rounds)


def test_a_sublayer_that_does_nothing_can_be_left_out_of_every_draft(
    deep_model: Any, prompt: Tensor
) -> None:
    model = deep_model("llama")
    model.model.layers[2].self_attn.o_proj.weight.zero_()
    model.model.layers[4].mlp.down_proj.weight.zero_()
    with controller(Skips((2,), (4,))).attach(model) as attached:
        model.generate(prompt, **OPTIONS)
    assert all(r.accepted == len(r.drafts) for r in attached.trace.rounds)
    with controller(Skips((3,), (1,))).attach(model) as attached:
        model.generate(prompt, **OPTIONS)
    assert any(r.accepted < len(r.drafts) for r in attached.trace.rounds)


def test_sublayers_come_back_after_an_exception(deep_model: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    plain = model(prompt).logits
    with Sublayers(model).without(Skips(EVERY, (1,))):
        assert not torch.equal(model(prompt).logits, plain)
    with pytest.raises(KeyError), Sublayers(model).without(Skips(EVERY)):
        dict[str, int]()["a"]
    assert torch.equal(model(prompt).logits, plain)


def test_what_cannot_be_left_out_is_named(deep_model: Any) -> None:
    model = deep_model("llama")
    for skips in (Skips(), Skips((7,)), Skips(EVERY, EVERY)):
        with pytest.raises(ValueError, match="some, not all"), controller(skips).attach(model):
            pass
    with pytest.raises(ValueError, match="no module named mlp"):
        Sublayers(deep_model("opt"))
