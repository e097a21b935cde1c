"""A tensor that grows at its end without being copied each time."""

import torch
from torch import Tensor


class Growing:
    """Rows ``[t, ...]`` in a buffer with room behind them; doubles when it is full.

    Args:
        like: ``[n, ...]``: the type and trailing shape of the rows; its own rows are not taken.
    """

    def __init__(self, like: Tensor) -> None:
        with torch.inference_mode(False):  # rows may be added within that mode and without
            self._buffer = torch.empty(32, *like.shape[1:], dtype=like.dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, rows: Tensor) -> None:
        """Add ``rows [n, ...]`` at the end."""
        total = self._count + len(rows)
        if total > len(self._buffer):
            room = max(total, 2 * len(self._buffer)) - self._count
            with torch.inference_mode(False):
                tail = torch.empty(room, *self._buffer.shape[1:], dtype=self._buffer.dtype)
                self._buffer = torch.cat([self._buffer[: self._count], tail])
        self._buffer[self._count : total] = rows
        self._count = total

    def view(self) -> Tensor:
        """Return all rows ``[t, ...]``; a view that later rows do not change."""
        return self._buffer[: self._count]
