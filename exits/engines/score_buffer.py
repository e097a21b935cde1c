"""A row's scores so far, as one tensor that grows without being copied at each cue."""

import torch
from torch import Tensor


class ScoreBuffer:
    """Scores of one row, oldest first, in a buffer with room behind them."""

    def __init__(self) -> None:
        self._buffer = torch.empty(32, dtype=torch.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, score: float) -> None:
        """Add the newest score."""
        if self._count == len(self._buffer):
            self._buffer = torch.cat([self._buffer, torch.empty_like(self._buffer)])
        self._buffer[self._count] = score
        self._count += 1

    def tolist(self) -> list[float]:
        """Return the scores, oldest first."""
        found: list[float] = self._buffer[: self._count].tolist()
        return found

    def history(self) -> Tensor:
        """Return ``[1, t]`` float64, as policies take it; a view, valid until the next score."""
        return self._buffer[None, : self._count]
