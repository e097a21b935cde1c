"""The attention mask of a running batch, kept where the model is; a step only widens the view."""

import torch
from torch import Tensor

ROOM = 128  # columns made ahead


class GrowingMask:
    """A left-padded mask ``[b, t]`` int64 in a buffer that has room on the right, all ones.

    The newest token of every row stands in the last column, so that a new column is always one of
    tokens.
    """

    def __init__(self, mask: Tensor) -> None:
        """Begin with a prompt's mask ``[b, p]``."""
        self._put(mask)

    @property
    def view(self) -> Tensor:
        """The mask ``[b, t]``, valid until rows or columns are taken away."""
        return self._buffer[:, self._start : self._stop]

    @property
    def columns(self) -> int:
        """Columns so far."""
        return self._stop - self._start

    def extend(self) -> None:
        """Add a column of tokens."""
        if self._stop == self._buffer.shape[1]:
            self._put(self.view)
        self._stop += 1

    def trim(self, columns: int) -> None:
        """Forget the oldest columns."""
        self._start += columns

    def select(self, rows: Tensor) -> None:
        """Keep these rows only, ``rows [k]``."""
        self._put(self.view[rows])

    def place(self, rows: Tensor, mask: Tensor, added: int) -> None:
        """Put other rows in place of ``rows [k]``, after adding columns of padding on the left.

        Args:
            rows: Places of the new rows.
            mask: ``[k, p]`` theirs, not wider than this one will be.
            added: Columns to add.
        """
        if added:
            self._put(torch.nn.functional.pad(self.view, (added, 0)))
        self.view[rows] = torch.nn.functional.pad(mask, (self.columns - mask.shape[1], 0))

    def append(self, mask: Tensor) -> None:
        """Add the rows of another mask ``[k, p]`` below, aligned at the newest column."""
        width = max(self.columns, mask.shape[1])
        both = (self.view, mask)
        pad = torch.nn.functional.pad
        self._put(torch.cat([pad(each, (width - each.shape[1], 0)) for each in both]))

    def _put(self, mask: Tensor) -> None:
        room = max(ROOM, mask.shape[1] // 2)
        self._buffer = torch.nn.functional.pad(mask, (0, room), value=1)
        self._start, self._stop = 0, mask.shape[1]
