from typing import Any

import pytest
import torch

from probexit.exits.depth.modes.layer_set_search import expected_speedup, search


def test_expected_speedup_by_hand() -> None:
    assert expected_speedup(0.5, 2, 0.25) == pytest.approx((1 + 0.5 + 0.25) / 1.5)
    assert expected_speedup(1.0, 4, 0.0) == 5.0
    assert expected_speedup(0.0, 4, 0.5) == pytest.approx(1 / 3)


def test_layers_that_do_nothing_are_found(deep_model: Any) -> None:
    model = deep_model("llama")
    for index in (1, 4):
        model.model.layers[index].self_attn.o_proj.weight.zero_()
        model.model.layers[index].mlp.down_proj.weight.zero_()
    texts = torch.randint(3, 97, (3, 30)).tolist()
    found = search(model, texts, drafts=4)
    assert found.skipped == (1, 4)
    assert found.match == 1.0
    assert found.speedup == pytest.approx(5 / (4 * 4 / 6 + 1))
    assert "forward" not in vars(model.model.layers[0])


def test_a_model_without_a_spare_layer_gets_no_set(deep_model: Any) -> None:
    texts = torch.randint(3, 97, (2, 30)).tolist()
    assert search(deep_model("llama"), texts, drafts=4).skipped == ()
