"""A row's scores so far, as one tensor that grows without being copied at each cue."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class ScoreBuffer:
    """Scores of one row, oldest first, in a buffer with room behind them."""

    def __init__(self) -> None:
        self._keep(np.empty(32))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, score: float) -> None:
        """Add the newest score."""
        if self._count == len(self._buffer):
            self._keep(np.concatenate([self._buffer, np.empty_like(self._buffer)]))
        self._buffer[self._count] = score
        self._count += 1

    def tolist(self) -> list[float]:
        """Return the scores, oldest first."""
        found: list[float] = self._buffer[: self._count].tolist()
        return found

    def history(self) -> Tensor:
        """Return ``[1, t]`` float64, as policies take it; a view, valid until the next score."""
        return self._tensor[:, : self._count]

    def _keep(self, buffer: NDArray[np.float64]) -> None:
        self._buffer = buffer  # an element is set in a tenth of the time that a tensor's takes
        self._tensor = torch.from_numpy(buffer)[None]
