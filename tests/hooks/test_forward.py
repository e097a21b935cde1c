"""The one forward call: the right keyword for the cache, and a cache that is really filled."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache

from probexit.hooks.forward import cache_name, forward, generate_cache_name, given_cache

IDS = torch.arange(3, 23).reshape(4, 5)


@torch.inference_mode()
@pytest.mark.parametrize("keep", [1, 0, torch.tensor([0, 3])])
def test_two_passes_over_a_cache_equal_one(tiny: Any, keep: Any) -> None:
    whole = tiny(IDS).logits
    cache = DynamicCache(config=tiny.config)
    forward(tiny, IDS[:, :1], cache)
    logits = forward(tiny, IDS[:, 1:], cache, keep=keep)
    wanted = whole[:, 1:][:, keep] if torch.is_tensor(keep) else whole[:, 1:][:, -keep:]
    assert torch.allclose(logits, wanted, atol=1e-4)


class Older(torch.nn.Module):
    """A model of before transformers 5.24, without ``logits_to_keep``."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner, self.device = inner, inner.device

    def forward(self, input_ids: Any, past_key_values: Any = None, use_cache: bool = True) -> Any:
        return self.inner(
            input_ids, use_cache=use_cache, **{cache_name(self.inner): past_key_values}
        )


class Swallowing(Older):
    """A model that takes any keyword and uses none."""

    def forward(self, input_ids: Any, **kwargs: Any) -> Any:
        return self.inner(input_ids)


@torch.inference_mode()
def test_a_model_of_the_older_keyword(tiny_model: Any) -> None:
    model = tiny_model("llama")
    older, cache = Older(model), DynamicCache(config=model.config)
    assert cache_name(older) == "past_key_values"
    forward(older, IDS[:, :1], cache)
    logits = forward(older, IDS[:, 1:], cache, keep=1)
    assert torch.allclose(logits, model(IDS).logits[:, -1:], atol=1e-4)


@torch.inference_mode()
def test_a_swallowed_cache_is_refused_by_name(tiny_model: Any) -> None:
    model = tiny_model("llama")
    with pytest.raises(ValueError, match=r"Swallowing read 5 tokens and its cache holds 0"):
        forward(Swallowing(model), IDS, DynamicCache(config=model.config))


def test_a_cache_is_found_under_any_of_its_names() -> None:
    cache = DynamicCache()
    for name in ("cache", "past_key_values"):
        assert given_cache({name: cache, "max_new_tokens": 3}) is cache
    assert given_cache({"cache": None}) is None
    assert generate_cache_name() in ("cache", "past_key_values")
