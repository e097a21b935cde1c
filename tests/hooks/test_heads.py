"""The attention output projection, where heads can be told apart, and steering of single heads."""

import pytest
import torch
from torch import nn

from probexit.hooks.capture import Capture
from probexit.hooks.heads import attention_output, head_shape
from probexit.hooks.layers import decoder_layers
from probexit.hooks.steer import Steer

IDS = torch.arange(3, 23).reshape(4, 5)


def reads(model, layer):
    """What the projection of a layer was given, in each forward pass from now on."""
    seen = []
    attention_output(model, layer).register_forward_pre_hook(lambda m, a: seen.append(a[0]))
    return seen


def test_heads_stand_side_by_side_before_the_projection(tiny):
    heads, width = head_shape(tiny)
    seen = reads(tiny, 1)
    tiny(IDS)
    assert heads > 1
    assert seen[0].shape == (4, 5, heads * width)


def test_steers_one_head_and_no_other(tiny):
    heads, width = head_shape(tiny)
    v, seen = torch.randn(width), reads(tiny, 2)
    tiny(IDS)
    with Steer(tiny, {}, 0.5, heads={2: {heads - 1: v}}):
        tiny(IDS)
    plain, steered = (read.unflatten(-1, (heads, width)) for read in seen)
    torch.testing.assert_close(steered[:, :, -1], plain[:, :, -1] + 0.5 * v)
    assert torch.equal(steered[:, :, :-1], plain[:, :, :-1])


@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2"])
def test_the_layer_writes_what_the_projection_makes_of_it(tiny_model, name):
    model = tiny_model(name)
    heads, width = head_shape(model)
    v, written = torch.randn(width), []
    projection = attention_output(model, 0)
    projection.register_forward_hook(lambda m, a, out: written.append(out))
    for strength in (0.0, 3.0):
        with Steer(model, {}, strength, heads={0: {1: v}}):
            model(IDS)
    whole = torch.zeros(heads * width)
    whole[width : 2 * width] = 3.0 * v
    weight = projection.weight if isinstance(projection, nn.Linear) else projection.weight.T
    torch.testing.assert_close(written[1] - written[0], (weight @ whole).expand(4, 5, -1))


def test_strength_zero_changes_nothing_and_one_does(tiny):
    plain, v = tiny(IDS).logits, torch.randn(head_shape(tiny)[1])
    with Steer(tiny, {}, 0.0, heads={1: {0: v}}):
        assert torch.equal(tiny(IDS).logits, plain)
    with Steer(tiny, {}, heads={1: {0: 10 * v}}), Capture(tiny, (1,)) as capture:
        assert not torch.equal(tiny(IDS).logits, plain)
        capture.check(1)
    assert torch.equal(tiny(IDS).logits, plain)


def test_no_hook_stays_behind(tiny):
    v = torch.zeros(head_shape(tiny)[1])
    with Steer(tiny, {}, heads={0: {0: v}}):
        assert attention_output(tiny, 0)._forward_pre_hooks
    with pytest.raises(TypeError), Steer(tiny, {}, heads={0: {0: v}}):
        tiny("not ids")
    assert not any(module._forward_pre_hooks for module in tiny.modules())


def test_bad_input_is_named(tiny_model):
    model = tiny_model("llama")
    v = torch.zeros(8)
    with pytest.raises(ValueError, match="layer 1 has no head 4: it has heads 0 to 3"):
        Steer(model, {}, heads={1: {4: v}})
    with pytest.raises(ValueError, match="head 2: the direction must be 8 finite values"):
        Steer(model, {}, heads={1: {2: v[:3]}})
    with pytest.raises(ValueError, match="layer 4 has no heads"):
        Steer(model, {}, heads={4: {0: v}})


def test_an_unknown_projection_can_be_named(tiny_model):
    model = tiny_model("llama")
    for layer in decoder_layers(model):
        layer.self_attn.last = layer.self_attn.o_proj
        layer.self_attn.__dict__["_modules"].pop("o_proj")
    with pytest.raises(ValueError, match="probexit_attention_output"):
        attention_output(model, 1)
    model.probexit_attention_output = "self_attn.last"
    assert attention_output(model, 1) is decoder_layers(model)[1].self_attn.last
    model.probexit_attention_output = "self_attn.first"
    with pytest.raises(ValueError, match="has no module 'self_attn"):
        attention_output(model, 1)
