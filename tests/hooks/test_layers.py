import pytest
import torch
from torch import nn

from probexit.hooks.layers import (
    decoder_layers,
    final_norm,
    hidden_of,
    hidden_size,
    module_at,
    n_layers,
    unembedding,
    with_hidden,
)

IDS = torch.arange(3, 13).reshape(2, 5)


def test_finds_the_parts_of_every_architecture(tiny):
    assert n_layers(tiny) == len(decoder_layers(tiny)) == 4
    assert hidden_size(tiny) == 32


def test_unembedding_of_the_final_norm_is_the_logits(tiny):
    normed = []
    with final_norm(tiny).register_forward_hook(lambda m, a, out: normed.append(out)):
        logits = tiny(IDS).logits
    assert torch.equal(unembedding(tiny)(normed[0]), logits)


def test_the_text_part_of_a_multimodal_model_not_its_vision_tower(tiny_model):
    model = tiny_model("gemma3_vision")
    assert len(model.model.vision_tower.encoder.layers) == n_layers(model)  # equally long
    assert decoder_layers(model) is model.model.language_model.layers
    assert final_norm(model) is model.model.language_model.norm


def test_experts_as_many_as_layers_are_not_taken_for_layers(tiny_model):
    model = tiny_model("llama")
    for layer in model.model.layers:
        layer.mlp.experts = nn.ModuleList(nn.Linear(2, 2) for _ in range(4))
    assert decoder_layers(model) is model.model.layers


def test_two_lists_are_refused_and_the_remedy_works(tiny_model):
    model = tiny_model("llama")
    model.model.twin = nn.ModuleList(nn.Linear(2, 2) for _ in range(4))
    with pytest.raises(ValueError, match=r"found: layers, twin; .*probexit_layers"):
        decoder_layers(model)
    model.probexit_layers = "model.layers"
    assert decoder_layers(model) is model.model.layers


@pytest.mark.parametrize(
    ("path", "message"), [("model.nothing", "no module 'model.nothing'"), ("model.norm", "no list")]
)
def test_a_wrong_remedy_is_named(tiny_model, path, message):
    model = tiny_model("llama")
    model.probexit_layers = path
    with pytest.raises(ValueError, match=message):
        decoder_layers(model)


def test_no_layers_or_no_norm_name_the_remedy(tiny_model):
    model = tiny_model("llama")
    model.config.num_hidden_layers = 9
    with pytest.raises(ValueError, match=r"list of 9 .*found: none.*probexit_layers"):
        decoder_layers(model)
    model = tiny_model("llama")
    model.model.norm = nn.Identity()
    with pytest.raises(ValueError, match="probexit_norm"):
        final_norm(model)
    model.probexit_norm = "model.norm"
    assert final_norm(model) is model.model.norm


def test_a_norm_of_another_width_is_not_the_final_one(tiny_model):
    model = tiny_model("gemma3")
    model.model.per_layer_norm = nn.LayerNorm(8)
    assert final_norm(model) is model.model.norm


def test_a_model_without_head_is_refused(tiny_model):
    with pytest.raises(ValueError, match="AutoModelForCausalLM"):
        unembedding(tiny_model("llama").model)


@pytest.mark.parametrize("layer", [-1, 5])
def test_a_layer_that_does_not_exist_is_refused(tiny_model, layer):
    with pytest.raises(ValueError, match=f"layer {layer} does not exist.*0 to 3, and 4 is"):
        module_at(tiny_model("llama"), layer)


def test_hidden_of_tensors_tuples_and_lists():
    hidden = torch.zeros(2, 3, 4)
    for output in (hidden, (hidden, None), [hidden]):
        assert hidden_of(output) is hidden


@pytest.mark.parametrize("output", [torch.zeros(4, 2, 3, 4), (None,), {"hidden": 1}])
def test_hidden_of_refuses_other_shapes(output):
    with pytest.raises(ValueError, match=r"batch, tokens, width.*probexit_layers"):
        hidden_of(output)


def test_with_hidden_keeps_the_rest_and_the_kind():
    old, new, cache = torch.zeros(1, 2, 3), torch.ones(1, 2, 3), object()
    assert with_hidden(old, new) is new
    pair = (old, cache)
    assert with_hidden(pair, new) == (new, cache)
    assert pair[0] is old
    assert with_hidden([old, cache], new) == [new, cache]
