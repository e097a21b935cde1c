"""2,000 prompts under a controller take no more memory than the first 500."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate

NEW, PART, PARTS = 36, 50, 40
WARM = 10  # parts after which the allocator has what it needs
ALLOWED = 8.0  # MiB

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here"),
]


def resident() -> float:
    """Memory of this process, in MiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(parts: Iterator[Any]) -> float:
    """MiB by which a process grows between the warm-up and the end."""
    sizes = [resident() for _ in parts]
    assert len(sizes) == PARTS
    print(f"{PART * PARTS} prompts: {sizes[WARM]:.1f} MiB, then {sizes[-1]:.1f} MiB")
    return max(sizes[WARM:]) - sizes[WARM]


@pytest.fixture
def some(prompts: list[list[int]]) -> list[list[int]]:
    """As many prompts as a part has, of different lengths."""
    return [prompts[i % len(prompts)] for i in range(PART)]


def test_the_own_loop(
    lively: Callable[..., Any], words: Any, some: list[list[int]], reading: Callable[..., Any]
) -> None:
    model, rule = lively("llama"), reading(0.5)
    decoding = Decoding(NEW, batch_size=16)
    parts = (generate(model, words, some, rule, decoding) and None for _ in range(PARTS))
    assert growth(parts) < ALLOWED


def test_inside_generate(
    lively: Callable[..., Any],
    words: Any,
    some: list[list[int]],
    reading: Callable[..., Any],
    left_padded: Callable[..., Any],
) -> None:
    """Attached anew for every part, as a service does that re-loads its controller."""
    model, rule, inputs = lively("llama"), reading(0.5), left_padded(some)

    def part() -> None:
        with attach(model, words, rule):
            model.generate(**inputs, max_new_tokens=NEW, do_sample=False)

    assert growth(part() for _ in range(PARTS)) < ALLOWED


def test_what_is_kept_is_seen() -> None:
    kept: list[torch.Tensor] = []
    assert growth(kept.append(torch.ones(2**18)) for _ in range(PARTS)) > ALLOWED
