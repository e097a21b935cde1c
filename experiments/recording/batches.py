"""Work on sequences of similar length together, since the shorter ones are padded."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from probexit.experiments.recording.memory import in_halves
from probexit.hooks.prefill import groups_within

T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    read: Callable[[Sequence[T]], list[R]],
    items: Sequence[T],
    length: Callable[[T], int],
    tokens: int,
) -> list[R]:
    """Return ``read`` of all items, in their order; less at once where memory runs out.

    Args:
        read: Returns a result per item.
        items: What is read.
        length: Tokens of an item.
        tokens: Most tokens of a batch, padding included (`probexit.hooks.prefill.prefill_tokens`).

    Raises:
        ValueError: if one item is too much for the device.
    """
    order = sorted(range(len(items)), key=lambda i: length(items[i]))
    found: dict[int, R] = {}
    for group in groups_within((length(items[i]) for i in order), tokens):
        batch = [order[place] for place in group]
        found |= zip(batch, in_halves(read, [items[i] for i in batch]), strict=True)
    return [found[i] for i in range(len(items))]
