import pytest
import torch

from probexit.hooks.capture import Capture
from probexit.hooks.layers import decoder_layers, final_norm, hidden_of, unembedding
from probexit.hooks.steer import Steer

IDS = torch.arange(3, 23).reshape(4, 5)


def test_adds_strength_times_the_direction(tiny):
    v = torch.randn(32)
    plain, steered = [], []
    with decoder_layers(tiny)[1].register_forward_hook(lambda m, a, o: plain.append(hidden_of(o))):
        tiny(IDS)
    with (
        Steer(tiny, {1: v}, 0.5),
        decoder_layers(tiny)[1].register_forward_hook(lambda m, a, o: steered.append(hidden_of(o))),
    ):
        tiny(IDS)
    torch.testing.assert_close(steered[0], plain[0] + 0.5 * v)


def test_the_rest_of_the_model_goes_on_with_the_steered_state(tiny):
    v = torch.randn(32)
    with Capture(tiny, (4,)) as capture:
        tiny(IDS)
        plain = capture.last()[:, 0]
        with Steer(tiny, {4: v}, 3.0):
            logits = tiny(IDS).logits[:, -1]
    torch.testing.assert_close(logits, unembedding(tiny)(plain + 3.0 * v))


def test_strength_zero_changes_nothing_and_one_does(tiny):
    plain = tiny(IDS).logits
    with Steer(tiny, {1: torch.randn(32), 3: torch.randn(32)}, 0.0):
        assert torch.equal(tiny(IDS).logits, plain)
    with Steer(tiny, {1: torch.randn(32)}):
        assert not torch.allclose(tiny(IDS).logits, plain)
    assert torch.equal(tiny(IDS).logits, plain)


def test_opposite_steers_cancel(tiny_model):
    model, v = tiny_model("qwen3"), torch.randn(32)
    plain = model(IDS).logits
    with Steer(model, {2: v}, 2.0), Steer(model, {2: v}, -2.0):
        torch.testing.assert_close(model(IDS).logits, plain, atol=1e-5, rtol=1e-5)


def test_never_writes_into_what_the_layer_returned(tiny, monkeypatch):
    layer, seen = decoder_layers(tiny)[0], []
    forward = layer.forward

    def watched(*args, **kwargs):
        output = forward(*args, **kwargs)
        seen.append((hidden_of(output), hidden_of(output).clone()))
        return output

    monkeypatch.setattr(layer, "forward", watched)
    with Steer(tiny, {0: torch.ones(32)}), torch.no_grad():
        tiny(IDS)
    returned, copy = seen[0]
    assert torch.equal(returned, copy)


def test_keeps_what_else_a_layer_returns(tiny):
    seen = []
    layer = decoder_layers(tiny)[0]
    for strength in (0.0, 1.0):
        with (
            Steer(tiny, {0: torch.ones(32)}, strength),
            layer.register_forward_hook(lambda m, a, out: seen.append(out)),
        ):
            tiny(IDS)
    with layer.register_forward_hook(lambda m, a, out: seen.append(out)):
        tiny(IDS)
    assert {type(out) for out in seen} == {type(seen[-1])}
    assert isinstance(seen[-1], torch.Tensor) or {len(out) for out in seen} == {len(seen[-1])}


@pytest.mark.parametrize("first", ["capture", "steer"])
def test_capture_reads_the_steered_state_in_either_order(tiny_model, first):
    model, v = tiny_model("bloom"), torch.randn(32)
    with Capture(model, (1,)) as capture:
        model(IDS)
        plain = capture.last()
    capture, steer = Capture(model, (1,)), Steer(model, {1: v})
    outer, inner = (capture, steer) if first == "capture" else (steer, capture)
    with outer, inner:
        model(IDS)
    torch.testing.assert_close(capture.last(), plain + v)


def test_no_hook_stays_behind(tiny):
    with Steer(tiny, {0: torch.zeros(32), 4: torch.zeros(32)}):
        assert final_norm(tiny)._forward_hooks
    with pytest.raises(TypeError), Steer(tiny, {0: torch.zeros(32), 4: torch.zeros(32)}):
        tiny("not ids")
    assert not any(module._forward_hooks for module in tiny.modules())


def test_works_in_a_lower_precision(tiny_model):
    model = tiny_model("llama").to(torch.bfloat16)
    with Steer(model, {1: torch.randn(32)}):
        assert model(IDS).logits.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("layer", "vector", "strength", "message"),
    [
        (5, torch.zeros(32), 1.0, "layer 5 does not exist"),
        (1, torch.zeros(16), 1.0, "layer 1: the direction must be 32"),
        (1, torch.full((32,), torch.nan), 1.0, "finite"),
        (1, torch.zeros(32), float("inf"), "strength must be finite"),
    ],
)
def test_bad_input_is_named(tiny_model, layer, vector, strength, message):
    with pytest.raises(ValueError, match=message):
        Steer(tiny_model("llama"), {layer: vector}, strength)
