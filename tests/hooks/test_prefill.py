"""How much is read at once: by size, and never more than was said."""

from typing import Any

import pytest
import torch

from probexit.hooks.prefill import MOST, ON_CPU, groups_within, prefill_tokens, token_bytes


def test_groups_by_hand() -> None:
    assert groups_within([3, 3, 4, 9, 1, 1], 8) == [[0, 1], [2], [3], [4, 5]]
    assert groups_within([], 8) == []


def test_no_group_is_larger_and_none_is_lost() -> None:
    lengths = torch.randint(1, 40, (200,)).tolist()
    groups = groups_within(lengths, 64)
    assert [i for group in groups for i in group] == list(range(200))
    assert all(len(g) == 1 or len(g) * max(lengths[i] for i in g) <= 64 for g in groups)


def test_a_token_by_hand(tiny_model: Any) -> None:
    """Four layers of two heads of 8 keys and 8 values, width 32, feed-forward 48, float32."""
    assert token_bytes(tiny_model("llama")) == 4 * (4 * 2 * 2 * 8 + 6 * 32 + 2 * 48)


def test_the_limit_follows_from_model_and_device(
    tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model("llama")
    assert prefill_tokens(model) == ON_CPU

    class Card:
        total_memory = 10_000 * token_bytes(model)

    monkeypatch.setattr(type(model), "device", torch.device("cuda", 0))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: Card)
    assert prefill_tokens(model) == 1_000
    monkeypatch.setattr(Card, "total_memory", 2**50)
    assert prefill_tokens(model) == MOST
