"""Logits at each row's own columns: the same numbers, and no others are computed."""

from typing import Any

import pytest
import torch
from transformers import DynamicCache

from probexit.hooks.forward import forward
from probexit.hooks.own_columns import OwnColumns

IDS = torch.randint(3, 128, (3, 20), generator=torch.Generator().manual_seed(0))
ROWS = torch.tensor([0, 0, 1, 2, 2])
COLUMNS = torch.tensor([0, 19, 7, 5, 6])


def own(model: Any) -> torch.Tensor:
    with OwnColumns(model, ROWS, COLUMNS) as columns:
        return columns.of(forward(model, IDS, DynamicCache(), keep=columns.kept))


def whole(model: Any) -> torch.Tensor:
    return forward(model, IDS, DynamicCache())[ROWS, COLUMNS]


@torch.inference_mode()
def test_they_are_those_of_the_whole_sequence(tiny: Any) -> None:
    found = own(tiny)
    torch.testing.assert_close(found, whole(tiny))
    assert not any(module._forward_pre_hooks for module in tiny.modules())


@torch.inference_mode()
def test_the_output_layer_sees_the_pairs_alone(tiny_model: Any) -> None:
    """Positive control: at the union of the columns it would see three times as many."""
    model, seen = tiny_model("llama"), []
    model.lm_head.register_forward_hook(lambda _m, args, _out: seen.append(args[0].shape[:-1]))
    own(model)
    forward(model, IDS, DynamicCache(), keep=torch.unique(COLUMNS))
    assert [s.numel() for s in seen] == [len(ROWS), 3 * len(ROWS)]


@torch.inference_mode()
def test_an_output_layer_that_cannot_be_watched(tiny_model: Any, monkeypatch: Any) -> None:
    model = tiny_model("llama")
    monkeypatch.setattr(type(model), "get_output_embeddings", lambda _self: None)
    torch.testing.assert_close(own(model), whole(model))


def test_no_hook_stays_after_an_exception(tiny_model: Any) -> None:
    model = tiny_model("llama")
    with pytest.raises(KeyError), OwnColumns(model, ROWS, COLUMNS):
        raise KeyError
    assert not model.lm_head._forward_pre_hooks
