"""What is read span by span is what the whole sequence gives, and the whole is never kept."""

from typing import Any

import pytest
import torch

from probexit.hooks.capture import Capture
from probexit.hooks.span_capture import SpanCapture

LAYERS = (0, 1, 3, 4)
IDS = torch.randint(3, 128, (2, 40), generator=torch.Generator().manual_seed(0))
SPANS = {(0, 4, 5): 1, (0, 5, 17): 12, (1, 2, 40): 38}  # (row, first, end): its tokens
ROWS = torch.tensor([row for row, a, b in SPANS for _ in range(a, b)])
COLUMNS = torch.tensor([c for _, a, b in SPANS for c in range(a, b)])


def test_ends_and_means_are_those_of_the_whole(tiny: Any) -> None:
    with torch.inference_mode(), SpanCapture(tiny, LAYERS, (ROWS, COLUMNS), [1, 12, 38]) as spans:
        tiny(IDS)
        ends, means = spans.spans()
    every = (torch.arange(2).repeat_interleave(40), torch.arange(40).repeat(2))
    with torch.inference_mode(), Capture(tiny, LAYERS, every) as whole:
        tiny(IDS)
        states = whole.chosen().reshape(2, 40, len(LAYERS), -1).float()
    for i, (row, first, end) in enumerate(SPANS):
        torch.testing.assert_close(ends[i], states[row, end - 1])
        torch.testing.assert_close(means[i], states[row, first:end].mean(0))
    assert not any(module._forward_hooks for module in tiny.modules())


@torch.inference_mode()
def test_no_tensor_holds_all_layers_of_all_tokens(tiny_model: Any, largest: Any) -> None:
    model, tokens = tiny_model("llama"), torch.arange(400)
    where = (torch.zeros_like(tokens), tokens)
    with (
        Capture(model, LAYERS, where) as whole,
        SpanCapture(model, LAYERS, where, [20] * 20) as spans,
    ):
        model(torch.randint(3, 128, (1, 400)))
        with largest() as many:
            whole.chosen()
        with largest() as few:
            spans.spans()
    assert many.values == 400 * len(LAYERS) * 32  # positive control
    assert few.values == 20 * len(LAYERS) * 32 * 2


def test_spans_that_do_not_fit_are_refused(tiny_model: Any) -> None:
    with pytest.raises(ValueError, match="make up 3 positions"):
        SpanCapture(tiny_model("llama"), (1,), (torch.zeros(3).long(), torch.arange(3)), [1, 1])
