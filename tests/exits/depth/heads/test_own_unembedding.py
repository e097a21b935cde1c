"""Exits with words of their own: who writes a token that leaves, and what training does."""

from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.own_unembedding import OwnUnembedding
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.distil import Distillation, distil

LAYERS = (1, 3)


@pytest.fixture
def trained(deep_model: Any) -> tuple[Any, OwnUnembedding, list[float]]:
    model, head = deep_model("llama"), OwnUnembedding()
    texts = torch.randint(3, 97, (10, 30)).tolist()
    settings = Distillation(steps=60, batch=64, rate=1e-2)
    return model, head, distil(model, head, texts, LAYERS, settings)


def test_training_brings_exits_closer_than_the_models_own_words(trained: Any) -> None:
    model, head, losses = trained
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    start = OwnUnembedding()
    start.adopt(model)
    start.prepare(LAYERS, 32)
    hidden = torch.randn(4, 32)
    plain = Readout(model, PlainHead()).logits(hidden, 1)
    assert torch.allclose(Readout(model, start).logits(hidden, 1), plain, atol=1e-4)
    assert not torch.allclose(Readout(model, head).logits(hidden, 1), plain, atol=1e-1)


def test_a_token_that_leaves_is_the_exits_own_word(
    trained: Any, always: Any, prompt: Tensor
) -> None:
    """Read by the model's unembedding, the same states would have written other tokens."""
    model, head, _ = trained
    controller = DepthController(ExitRule(LAYERS, always, head, 0.5), CatchUp(99))
    with controller.attach(model) as attached:
        ids = model.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=None)
    assert attached.trace.row() == [2] * 11
    states = model(ids, output_hidden_states=True).hidden_states[2][0, prompt.shape[1] : -1]
    written = ids[0, prompt.shape[1] + 1 :].tolist()  # the first is the prompt's, at full depth
    assert written == Readout(model, head).logits(states, 1).argmax(-1).tolist()
    assert written != Readout(model, PlainHead()).logits(states, 1).argmax(-1).tolist()


def test_deep_tokens_are_the_full_models(trained: Any, coin: Any, prompt: Tensor) -> None:
    """Those that left are caught up: what follows is read with exact keys and values."""
    model, head, _ = trained
    controller = DepthController(ExitRule(LAYERS, coin, head, 0.5), CatchUp())
    with controller.attach(model) as attached:
        ids = model.generate(prompt, max_new_tokens=20, do_sample=False, eos_token_id=None)
    full = model(ids).logits[0, prompt.shape[1] : -1].argmax(-1)
    deep = torch.tensor(attached.trace.row()) == 6
    assert deep.any()
    assert not deep.all()
    assert torch.equal(ids[0, prompt.shape[1] + 1 :][deep], full[deep])


def test_modes_that_read_with_the_models_words_refuse_it() -> None:
    with pytest.raises(ValueError, match="unembedding of its own"):
        DepthController(ExitRule((1,), Gap(), OwnUnembedding()), Leave())


def test_columns_are_those_of_the_head(trained: Any) -> None:
    model, head, _ = trained
    readout, tokens = Readout(model, head), torch.tensor([[5, 8], [40, 41]])
    hidden = torch.randn(2, 32)
    assert torch.equal(
        readout.columns(hidden, 1, tokens), readout.logits(hidden, 1).gather(1, tokens)
    )
