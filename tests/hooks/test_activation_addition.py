"""Activation addition: the prefill's front alone, position by position."""

import pytest
import torch
from transformers import DynamicCache

from probexit.hooks.activation_addition import FrontAddition, prompt_difference
from probexit.hooks.capture import Capture
from probexit.hooks.forward import forward

IDS = torch.arange(3, 15).reshape(2, 6)
LAYER = 1


def states(model, ids, **kwargs):
    rows = torch.arange(len(ids)).repeat_interleave(ids.shape[1])
    columns = torch.arange(ids.shape[1]).repeat(len(ids))
    with Capture(model, [LAYER], (rows, columns)) as capture, torch.no_grad():
        model(input_ids=ids, **kwargs)
        return capture.chosen()[:, 0].reshape(*ids.shape, -1)


def test_the_golden_values(tiny):
    """h+ = [(1, 1), (2, 0)], h- = [(1, 1), (0, 1)], c = 5: (0, 0) and (10, -5) are added."""
    plus, minus = torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[1.0, 1.0], [0.0, 1.0]])
    added = torch.zeros(2, 32)
    added[:, :2] = 5 * (plus - minus)
    before = states(tiny, IDS[:, :3])
    with FrontAddition(tiny, {LAYER: added}):
        after = states(tiny, IDS[:, :3])
    changed = torch.zeros(3, 32)
    changed[1, :2] = torch.tensor([10.0, -5.0])
    torch.testing.assert_close(after, before + changed)


def test_the_difference_is_that_of_the_states_and_nothing_for_one_prompt(tiny):
    """The shorter one is filled up; the first position sees only itself, so equal ones cancel."""
    first, second, pad = [7, 8, 9], [7, 10], 2
    found = prompt_difference(tiny, LAYER, (first, second), pad)
    apart = [states(tiny, torch.tensor([ids]))[0] for ids in (first, [*second, pad])]
    torch.testing.assert_close(found, apart[0] - apart[1])
    torch.testing.assert_close(found[0], torch.zeros(32), atol=1e-6, rtol=0)
    assert found[1:].abs().max() > 0.01
    assert prompt_difference(tiny, LAYER, (first, first), pad).abs().max() == 0


def test_left_padding_moves_nothing_and_decoding_is_left_alone(tiny):
    added = torch.randn(2, 32)
    padded = torch.cat([torch.zeros(1, 2, dtype=torch.long), IDS[:1]], 1)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 1]])
    places = (mask.cumsum(1) - 1).clamp(min=0)
    with FrontAddition(tiny, {LAYER: added}):
        alone = states(tiny, IDS[:1])
        wide = states(tiny, padded, attention_mask=mask, position_ids=places)
        torch.testing.assert_close(wide[:, 2:], alone, atol=1e-5, rtol=1e-5)
        cache = DynamicCache()
        forward(tiny, IDS[:1], cache, torch.arange(6)[None])
        inside = forward(tiny, IDS[:1, :1], cache, torch.tensor([[6]]))
    plain, changed = DynamicCache(), DynamicCache()
    forward(tiny, IDS[:1], plain, torch.arange(6)[None])
    with FrontAddition(tiny, {LAYER: added}):
        forward(tiny, IDS[:1], changed, torch.arange(6)[None])
    outside = forward(tiny, IDS[:1, :1], changed, torch.tensor([[6]]))
    torch.testing.assert_close(inside, outside)  # a decoded token is changed by the cache alone
    unsteered = forward(tiny, IDS[:1, :1], plain, torch.tensor([[6]]))
    assert not torch.allclose(inside, unsteered)


def test_a_pass_of_one_token_is_no_prefill(tiny):
    """Empty rows of a running batch stand at position 0; no row of such a pass is changed."""
    ids, places = IDS[:, :1], torch.zeros(2, 1, dtype=torch.long)
    before = states(tiny, ids, position_ids=places)
    with FrontAddition(tiny, {LAYER: torch.randn(3, 32)}):
        torch.testing.assert_close(states(tiny, ids, position_ids=places), before)


def test_a_prompt_that_is_too_short_is_refused_and_hooks_are_gone(tiny):
    plain = tiny(IDS).logits
    with (
        pytest.raises(ValueError, match="a prompt of 6 tokens is shorter"),
        FrontAddition(tiny, {LAYER: torch.randn(7, 32)}),
    ):
        tiny(IDS)
    assert torch.equal(tiny(IDS).logits, plain)


def test_a_vector_of_another_width_is_refused(tiny):
    with pytest.raises(ValueError, match=r"\[n, 32\], not \[2, 31\]"):
        FrontAddition(tiny, {LAYER: torch.zeros(2, 31)})
