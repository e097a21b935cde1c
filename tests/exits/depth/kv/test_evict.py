from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.interception.gates import Gates
from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.evict import Evict
from probexit.exits.depth.modes.leave import Leave, RowExits
from probexit.exits.depth.rule import ExitRule
from probexit.hooks.forward import forward, generate_cache_name

LAYERS = (1, 2, 4)


class Absent(KVPolicy):
    """The reference, for one row and no mask: skipped layers write nothing and are shorter."""

    def skip(self, call: Any) -> None: ...

    def run_some(self, call: Any, active: Tensor, left: Tensor) -> Tensor:
        raise NotImplementedError


def exits(model: Any, decider: Any, kv: KVPolicy) -> RowExits:
    rule = ExitRule(LAYERS, decider, PlainHead(), 0.5)
    return RowExits(rule, rule.readout(model), kv)


@torch.inference_mode()
def teacher_forced(model: Any, prompt: Tensor, tokens: Tensor, handler: RowExits) -> Tensor:
    cache = DynamicCache(config=model.config)
    logits = []
    with Gates(model, handler):
        forward(model, prompt, cache)
        for t in range(tokens.shape[1]):
            logits.append(forward(model, tokens[:, t : t + 1], cache)[:, -1])
    return torch.stack(logits, 1)


@pytest.mark.parametrize("name", ["llama", "qwen3", "opt"])
def test_a_masked_column_is_as_good_as_none(
    deep_model: Any, coin: Any, prompt: Tensor, tokens: Tensor, name: str
) -> None:
    model = deep_model(name)
    handler = exits(model, coin, Evict())
    evicted = teacher_forced(model, prompt, tokens, handler)
    absent = teacher_forced(model, prompt, tokens, exits(model, coin, Absent()))
    assert len(set(handler.trace.depths)) > 2
    assert torch.allclose(evicted, absent, atol=1e-4)


def test_rows_of_a_batch_are_rows_alone(deep: Any, coin: Any) -> None:
    prompt, tokens = torch.randint(3, 97, (3, 9)), torch.randint(3, 97, (3, 14))
    together = exits(deep, coin, Evict())
    batched = teacher_forced(deep, prompt, tokens, together)
    assert any(len(set(depths)) > 1 for depths in together.trace.depths)
    for row in range(3):
        one = slice(row, row + 1)
        alone = exits(deep, coin, Evict())
        logits = teacher_forced(deep, prompt[one], tokens[one], alone)
        assert [d[row] for d in together.trace.depths] == [d for (d,) in alone.trace.depths]
        assert torch.allclose(batched[row], logits[0], atol=1e-4)


def test_reading_on_after_evictions_is_refused(
    deep_model: Any, always: Any, prompt: Tensor
) -> None:
    model = deep_model("llama")
    cache = DynamicCache(config=model.config)
    rule = ExitRule(LAYERS, always, PlainHead(), 0.5)
    options = {"do_sample": False, "eos_token_id": None, generate_cache_name(): cache}
    with DepthController(rule, Leave(Evict())).attach(model):
        text = model.generate(prompt, max_new_tokens=5, **options)
        longer = torch.cat([text, prompt], 1)
        with pytest.raises(ValueError, match="cannot be read on"):
            model.generate(longer, max_new_tokens=5, **options)
