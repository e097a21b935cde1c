"""A limit given as ``max_length``, as evaluation harnesses give it, is the same limit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from probexit.exits.engines.generate import attach

NEW = 30


def test_max_length_counts_the_prompt_and_its_padding(
    lively: Callable[..., Any],
    words: Any,
    prompts: list[list[int]],
    reading: Callable[..., Any],
    left_padded: Callable[..., Any],
) -> None:
    model, inputs = lively("llama"), left_padded(prompts[:8])
    width = inputs["input_ids"].shape[1]
    seen = []
    for limit in ({"max_new_tokens": NEW}, {"max_length": width + NEW}, {"max_length": NEW}):
        with attach(model, words, reading(0.5)) as attached:
            out = model.generate(**inputs, **limit, do_sample=False)
        seen.append((out.tolist(), [row.exit for row in attached.rows]))
    assert any(seen[0][1])
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("whole", [2, 1])
def test_no_room_behind_the_prompt_is_refused_as_generate_does(
    lively: Callable[..., Any], words: Any, reading: Callable[..., Any], whole: int
) -> None:
    model = lively("llama")
    with attach(model, words, reading(0.5)), pytest.raises(ValueError, match="max_length"):
        model.generate(torch.tensor([[5, 3]]), max_length=whole)
