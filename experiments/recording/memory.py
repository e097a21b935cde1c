"""Go on with less at once where the device's memory runs out; no result depends on the batch."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class BatchSize:
    """How many rows run together, halved whenever that was too much.

    Attributes:
        rows: The number now.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def run(self, work: Callable[[int], T]) -> T:
        """Return ``work(rows)``, begun again with half the rows as often as memory runs out.

        Raises:
            ValueError: if one row is too much.
        """
        while True:
            try:
                return work(self.rows)
            except torch.OutOfMemoryError as error:
                _refuse_one(self.rows, error)
            self.rows //= 2
            _free(self.rows)


def in_halves(read: Callable[[Sequence[T]], list[R]], items: Sequence[T]) -> list[R]:
    """Return ``read(items)``, in two halves each time memory runs out.

    Raises:
        ValueError: if one item is too much.
    """
    try:
        return read(items)
    except torch.OutOfMemoryError as error:
        _refuse_one(len(items), error)
    half = len(items) // 2
    _free(half)
    return [*in_halves(read, items[:half]), *in_halves(read, items[half:])]


def _refuse_one(rows: int, error: Exception) -> None:
    if rows <= 1:
        raise ValueError(
            "the device has no memory for a single trace: use --device-map auto, --quantization, "
            "fewer --max-new-tokens or fewer --layers"
        ) from error


def _free(rows: int) -> None:
    """Give back what the failed attempt held; say so."""
    logger.warning("out of memory: going on with %d at once", rows)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
