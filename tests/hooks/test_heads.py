"""The attention output projection, where heads can be told apart, and steering of single heads."""

import pytest
import torch
from torch import nn

from probexit.hooks.capture import Capture
from probexit.hooks.head_capture import HeadCapture
from probexit.hooks.head_shift import HeadShift
from probexit.hooks.heads import attention_output, head_shape
from probexit.hooks.layers import decoder_layers

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
    with HeadShift(tiny, {2: {heads - 1: v}}, 0.5):
        tiny(IDS)
    plain, steered = (read.unflatten(-1, (heads, width)) for read in seen)
    torch.testing.assert_close(steered[:, -1, -1], plain[:, -1, -1] + 0.5 * v)
    assert torch.equal(steered[:, :, :-1], plain[:, :, :-1])
    assert torch.equal(steered[:, :-1], plain[:, :-1])  # the newest token alone


@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2"])
def test_the_layer_writes_what_the_projection_makes_of_it(tiny_model, name):
    model = tiny_model(name)
    heads, width = head_shape(model)
    v, written = torch.randn(width), []
    projection = attention_output(model, 0)
    projection.register_forward_hook(lambda m, a, out: written.append(out))
    for strength in (0.0, 3.0):
        with HeadShift(model, {0: {1: v}}, strength):
            model(IDS)
    whole = torch.zeros(heads * width)
    whole[width : 2 * width] = 3.0 * v
    weight = projection.weight if isinstance(projection, nn.Linear) else projection.weight.T
    changed = written[1] - written[0]
    torch.testing.assert_close(changed[:, -1], (weight @ whole).expand(4, -1))
    assert not changed[:, :-1].any()


def test_strength_zero_changes_nothing_and_one_does(tiny):
    plain, v = tiny(IDS).logits, torch.randn(head_shape(tiny)[1])
    with HeadShift(tiny, {1: {0: v}}, 0.0):
        assert torch.equal(tiny(IDS).logits, plain)
    with HeadShift(tiny, {1: {0: 10 * v}}), Capture(tiny, (1,)) as capture:
        assert not torch.equal(tiny(IDS).logits, plain)
        capture.check(1)
    assert torch.equal(tiny(IDS).logits, plain)


def test_no_hook_stays_behind(tiny):
    v = torch.zeros(head_shape(tiny)[1])
    with HeadShift(tiny, {0: {0: v}}):
        assert attention_output(tiny, 0)._forward_pre_hooks
    with pytest.raises(TypeError), HeadShift(tiny, {0: {0: v}}):
        tiny("not ids")
    assert not any(module._forward_pre_hooks for module in tiny.modules())


def test_bad_input_is_named(tiny_model):
    model = tiny_model("llama")
    v = torch.zeros(8)
    with pytest.raises(ValueError, match="layer 1 has no head 4: it has heads 0 to 3"):
        HeadShift(model, {1: {4: v}})
    with pytest.raises(ValueError, match="head 2: the direction must be 8 finite values"):
        HeadShift(model, {1: {2: v[:3]}})
    with pytest.raises(ValueError, match="layer 4 has no heads"):
        HeadShift(model, {4: {0: v}})


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


@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2"])
def test_heads_are_read_where_they_are_shifted(tiny_model, name):
    model = tiny_model(name)
    heads, width = head_shape(model)
    rows, columns = torch.tensor([0, 3, 3]), torch.tensor([4, 4, 1])
    v = torch.randn(width)
    with HeadCapture(model, rows, columns) as capture:
        model(IDS)
        plain = capture.chosen()
        with HeadShift(model, {0: {1: v}}, 2.0):
            model(IDS)
        shifted = capture.chosen()
    assert plain.shape == (3, len(decoder_layers(model)), heads, width)
    torch.testing.assert_close(shifted[:2, 0, 1], plain[:2, 0, 1] + 2.0 * v)
    assert torch.equal(shifted[2], plain[2])  # not its row's newest token
    assert not any(module._forward_pre_hooks for module in model.modules())
