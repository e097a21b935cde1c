"""The sublayers that do nothing are found, which no search over whole layers can find."""

from typing import Any

import pytest
import torch

from probexit.exits.depth.interception.sublayers import NOTHING, Skips
from probexit.exits.depth.modes.layer_set_search import search
from probexit.exits.depth.tuning.sublayer_search import (
    SublayerCosts,
    measured_costs,
    search_sublayers,
)


def test_costs_by_hand() -> None:
    costs = SublayerCosts(attention=2.0, mlp=3.0, rest=1.0)
    assert costs.of(NOTHING, 4) == 21.0
    assert costs.of(Skips((0, 1), (3,)), 4) == 14.0


def test_sublayers_that_do_nothing_are_found(deep_model: Any) -> None:
    model = deep_model("llama")
    for index in (1, 4):
        model.model.layers[index].self_attn.o_proj.weight.zero_()
    for index in (2, 5):
        model.model.layers[index].mlp.down_proj.weight.zero_()
    texts = torch.randint(3, 97, (3, 30)).tolist()
    assert search(model, texts, drafts=4).skipped == ()
    found = search_sublayers(model, texts, SublayerCosts())
    assert found.skips == Skips((1, 4), (2, 5))
    assert found.match == 1.0
    assert found.speedup == pytest.approx(9 / (8 * 8 / 12 + 1))
    assert not any("forward" in vars(layer.mlp) for layer in model.model.layers)


def test_a_model_without_a_spare_sublayer_gets_no_set(deep_model: Any) -> None:
    texts = torch.randint(3, 97, (2, 30)).tolist()
    assert not search_sublayers(deep_model("llama"), texts, SublayerCosts()).skips


def test_measured_costs_are_those_of_a_pass(deep_model: Any) -> None:
    costs = measured_costs(deep_model("llama"), repeats=3)
    assert min(costs.attention, costs.mlp) > 0
    assert costs.of(NOTHING, 6) > costs.of(Skips(tuple(range(6))), 6)
