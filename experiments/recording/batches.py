"""Work on sequences of similar length together, since the shorter ones are padded."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from probexit.experiments.recording.memory import in_halves

BATCH_TOKENS = 16_384  # prefilled together
T = TypeVar("T")
R = TypeVar("R")


def in_batches(
    read: Callable[[Sequence[T]], list[R]], items: Sequence[T], length: Callable[[T], int]
) -> list[R]:
    """Return ``read`` of all items, in their order; less at once where memory runs out.

    Args:
        read: Returns a result per item.
        items: What is read.
        length: Tokens of an item; a batch has at most ``BATCH_TOKENS``, padding included.

    Raises:
        ValueError: if one item is too much for the device.
    """
    found: dict[int, R] = {}
    for batch in _by_length([length(item) for item in items]):
        found |= zip(batch, in_halves(read, [items[i] for i in batch]), strict=True)
    return [found[i] for i in range(len(items))]


def _by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Group indices, the shortest first."""
    batches: list[list[int]] = [[]]
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches[-1] and (len(batches[-1]) + 1) * lengths[i] > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(i)
    return [batch for batch in batches if batch]
