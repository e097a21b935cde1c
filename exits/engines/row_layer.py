"""One attention layer's keys and values, whose rows can leave, be replaced and be copied.

Rows are left-padded: the newest token of every row stands in the last column. Keys and values
live in buffers with room on the right, so that a decoding step writes one column instead of
copying the whole cache.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer

ROOM = 128  # columns allocated ahead


class RowLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """One layer's keys and values: views ``[b, heads, t, d]`` into larger buffers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = 0
        self.length = 0

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> Any:
        """Append ``[b, heads, n, d]`` and return all keys and values."""
        new = key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.buffers = (_empty(key_states, new + ROOM), _empty(value_states, new + ROOM))
        if self.start + self.length + new > self.buffers[0].shape[-2]:
            self._move(left=0, right=new + max(ROOM, self.length // 2))
        at = self.start + self.length
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, at : at + new] = states
        self._view(self.start, self.length + new)
        return self.keys, self.values

    def trim(self, columns: int) -> None:
        """Forget the oldest columns."""
        self._view(self.start + columns, self.length - columns)

    def select(self, rows: Tensor) -> None:
        """Keep these rows only."""
        self._move(left=0, right=ROOM, rows=rows)

    def widen(self, columns: int) -> None:
        """Add columns on the left; what stands there must be masked."""
        if self.start < columns:
            self._move(left=columns, right=ROOM)
        self._view(self.start - columns, self.length + columns)

    def place(self, rows: Tensor, other: "RowLayer") -> None:
        """Overwrite these rows with the rows of ``other``, aligned at the newest column."""
        stop = self.start + self.length
        for buffer, states in zip(self.buffers, (other.keys, other.values), strict=True):
            buffer[rows, :, stop - other.length : stop] = states

    def copy(self, rows: Tensor) -> "RowLayer":
        """Return these rows as a layer of their own."""
        fork = RowLayer()
        fork.update(self.keys[rows], self.values[rows])
        return fork

    def append(self, other: "RowLayer") -> None:
        """Add the rows of ``other`` below, aligned at the newest column."""
        if self.length < other.length:
            self.widen(other.length - self.length)
        rows = len(self.keys)
        self._move(0, ROOM, torch.arange(rows + len(other.keys)).clamp(max=rows - 1))
        self.place(torch.arange(rows, rows + len(other.keys)), other)

    def _move(self, left: int, right: int, rows: Tensor | None = None) -> None:
        """Copy the live columns (of some rows) into fresh buffers with room on both sides."""
        fresh = []
        for states in (self.keys, self.values):
            kept = states if rows is None else states[rows]
            buffer = _empty(kept, left + self.length + right)
            buffer[:, :, left : left + self.length] = kept
            fresh.append(buffer)
        self.buffers = (fresh[0], fresh[1])
        self._view(left, self.length)

    def _view(self, start: int, length: int) -> None:
        self.start, self.length = start, length
        keys, values = self.buffers
        self.keys, self.values = (
            keys[:, :, start : start + length],
            values[:, :, start : start + length],
        )


def _empty(like: Tensor, columns: int) -> Tensor:
    # Zeros, not garbage: a masked column is multiplied by zero, and zero times NaN is NaN.
    return torch.zeros(
        *like.shape[:2], columns, like.shape[-1], dtype=like.dtype, device=like.device
    )
