import pytest
import torch

from probexit.hooks.capture import Capture, CaptureError
from probexit.hooks.layers import decoder_layers, final_norm

IDS = torch.arange(3, 23).reshape(4, 5)
ALL = (0, 1, 2, 3, 4)


def no_hooks(model):
    return not any(module._forward_hooks for module in model.modules())


def reference(model, ids, **inputs):
    """``[b, t, 5, d]`` what transformers says the hidden states of layers 0..L are.

    Its tuple leaves out the last layer before the norm, which a plain hook gives.
    """
    kept = []
    with decoder_layers(model)[-1].register_forward_hook(lambda m, a, out: kept.append(out)):
        states = model(ids, output_hidden_states=True, **inputs).hidden_states
    before_norm = kept[0] if torch.is_tensor(kept[0]) else kept[0][0]
    return torch.stack([*states[1:-1], before_norm, states[-1]], 2).detach()


def test_last_is_the_hidden_state_of_the_last_position(tiny):
    with Capture(tiny, ALL) as capture:
        tiny(IDS)
    assert torch.equal(capture.last(), reference(tiny, IDS)[:, -1])


def test_chosen_positions_in_the_order_given(tiny):
    rows, columns = torch.tensor([3, 0, 0, 2]), torch.tensor([4, 1, 0, 3])
    with Capture(tiny, (4, 1), positions=(rows, columns)) as capture:
        tiny(IDS)
    expected = reference(tiny, IDS)[rows, columns][:, [4, 1]]
    assert torch.equal(capture.chosen(), expected)


def test_logits_are_bitwise_equal_with_and_without(tiny):
    plain = tiny(IDS).logits
    with Capture(tiny, ALL), Capture(tiny, (2,), positions=(IDS[0] * 0, torch.arange(5))):
        watched = tiny(IDS).logits
    assert torch.equal(plain, watched)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_moves_positions_but_not_states(tiny_model, side):
    model, short = tiny_model("qwen3"), IDS[:1, :3]
    pad = torch.zeros(1, 2, dtype=torch.long)
    first = 2 if side == "left" else 0
    ids = torch.cat([pad, short] if side == "left" else [short, pad], 1)
    mask = torch.zeros(1, 5, dtype=torch.long)
    mask[:, first : first + 3] = 1
    at = (torch.zeros(3, dtype=torch.long), torch.arange(first, first + 3))
    with Capture(model, ALL, positions=at) as capture:
        model(ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0))
    torch.testing.assert_close(capture.chosen(), reference(model, short)[0])


def test_each_step_of_a_left_padded_batch_with_a_cache_equals_the_row_alone(tiny):
    ids, mask = IDS[:2].clone(), torch.ones(2, 5, dtype=torch.long)
    ids[0, :2], mask[0, :2] = 0, 0
    options = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}
    steps, processor = [], lambda ids, scores: (steps.append(capture.last()), scores)[1]
    with Capture(tiny, ALL) as capture:
        out = tiny.generate(ids, attention_mask=mask, logits_processor=[processor], **options)
        capture.check(4)
    for row, start in ((0, 2), (1, 0)):
        alone = reference(tiny, out[row : row + 1, start:-1])[0, -4:]
        torch.testing.assert_close(torch.stack(steps)[:, row], alone, atol=2e-5, rtol=1e-4)


def test_states_are_fresh_without_gradient_in_the_models_dtype(tiny_model):
    model = tiny_model("gpt2").to(torch.bfloat16)
    with Capture(model, (1, 4)) as capture:
        model(IDS)
        first = capture.last()
        kept = first.clone()
        model(IDS + 20)
        second = capture.last()
    assert first.dtype == torch.bfloat16
    assert not first.requires_grad
    assert torch.equal(first, kept)
    assert not torch.equal(first, second)
    first.zero_()
    assert torch.equal(capture.last(), second)


@pytest.mark.parametrize("positions", [None, (torch.tensor([1]), torch.tensor([2]))])
def test_only_the_wanted_positions_stay_in_memory(tiny_model, positions):
    model = tiny_model("llama")
    with Capture(model, ALL, positions=positions) as capture:
        model(IDS)
    rows = 4 if positions is None else 1
    kept = [state.untyped_storage().nbytes() for state in capture._states.values()]
    assert kept == [rows * 32 * 4] * 5


def test_reading_before_a_forward_pass_raises(tiny_model):
    with Capture(tiny_model("llama"), (1, 2)) as capture:
        with pytest.raises(CaptureError, match=r"nothing captured at layers \[1, 2\]"):
            capture.last()
        with pytest.raises(CaptureError, match="layer 1: the hook fired 0 times in 3"):
            capture.check(3)


def test_a_layer_that_is_skipped_raises_with_its_name(tiny_model):
    model = tiny_model("llama")
    with Capture(model, (0, 2)) as capture:
        model(IDS)
        model.model.layers[2] = model.model.layers[3]
        model(IDS)
        with pytest.raises(CaptureError, match="layer 2: the hook fired 1 times in 2"):
            capture.last()
        with pytest.raises(CaptureError, match="layer 2"):
            capture.check(2)


def test_a_layer_compiled_before_is_noticed(tiny_model):
    model = tiny_model("llama")
    layer = model.model.layers[1]
    layer._compiled_call_impl = layer.forward  # what Module.compile sets: it bypasses the hooks
    with Capture(model, (1,)) as capture:
        model(IDS)
        with pytest.raises(CaptureError, match="compiled"):
            capture.last()


def test_no_hook_stays_behind(tiny):
    with Capture(tiny, ALL):
        assert decoder_layers(tiny)[0]._forward_hooks
        assert final_norm(tiny)._forward_hooks
    assert no_hooks(tiny)


def test_no_hook_stays_behind_after_an_exception(tiny):
    with pytest.raises(TypeError), Capture(tiny, ALL):
        tiny("not ids")
    assert no_hooks(tiny)


def test_no_hook_stays_behind_when_entering_fails_half_way(tiny_model, monkeypatch):
    model = tiny_model("llama")

    def fail(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr(model.model.layers[2], "register_forward_hook", fail)
    with pytest.raises(RuntimeError, match="no"):
        Capture(model, (0, 2)).__enter__()
    assert no_hooks(model)


def test_entering_again_starts_anew(tiny_model):
    model = tiny_model("llama")
    capture = Capture(model, (3,))
    for _ in range(2):
        with capture:
            with pytest.raises(CaptureError, match="nothing captured"):
                capture.last()
            model(IDS)
            capture.check(1)


def test_no_layer_still_tells_the_batch_and_counts_steps(tiny_model):
    model = tiny_model("llama")
    with Capture(model, ()) as capture:
        model(IDS)
        capture.check(1)
    assert capture.last().shape == (4, 0, 32)


@pytest.mark.parametrize(
    ("layers", "message"),
    [((1, 1), "twice"), ((5,), "layer 5 does not exist"), ((-1,), "layer -1 does not exist")],
)
def test_impossible_layers_are_refused(tiny_model, layers, message):
    with pytest.raises(ValueError, match=message):
        Capture(tiny_model("llama"), layers)


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([0, 1], [0], r"\[2\] and \[1\]"),
        ([[0]], [[0]], "rows"),
        ([0.0], [1], "integers"),
        ([0], [-1], "from 0"),
    ],
)
def test_malformed_positions_are_refused(tiny_model, rows, columns, message):
    with pytest.raises(ValueError, match=message):
        Capture(tiny_model("llama"), (0,), (torch.tensor(rows), torch.tensor(columns)))


@pytest.mark.parametrize(("row", "column"), [(4, 0), (0, 5)])
def test_positions_outside_the_forward_pass_are_refused(tiny_model, row, column):
    model = tiny_model("llama")
    at = (torch.tensor([0, row]), torch.tensor([0, column]))
    with Capture(model, (0,), at), pytest.raises(ValueError, match="4 rows and 5 columns"):
        model(IDS)
    assert no_hooks(model)


def test_each_way_of_reading_names_the_other(tiny_model):
    model = tiny_model("llama")
    nowhere = (torch.tensor([], dtype=torch.long),) * 2
    with Capture(model, (0,)) as last, Capture(model, (0, 1), nowhere) as chosen:
        model(IDS)
    assert chosen.chosen().shape == (0, 2, 32)
    with pytest.raises(CaptureError, match=r"chosen\(\)"):
        chosen.last()
    with pytest.raises(CaptureError, match="positions="):
        last.chosen()


def test_a_layer_of_another_width_is_refused(tiny_model):
    model = tiny_model("llama")
    model.config.hidden_size = 16
    model.probexit_norm = "model.norm"
    with Capture(model, (0,)), pytest.raises(ValueError, match="width 32, the model's is 16"):
        model(IDS)
