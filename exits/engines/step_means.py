"""The mean state of each row's step, summed for all rows of a batch together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.engines.history import History


class StepMeans:
    """Running sums of hidden states, one per row, added to in one operation a pass.

    While the same rows run, their sums are one tensor; each goes home to its history when that
    changes, so that rows may leave, come back and stand elsewhere.
    """

    def __init__(self) -> None:
        self._rows: list[History] = []
        self._sums = torch.empty(0)

    def add(self, rows: Sequence[History], states: Tensor) -> None:
        """Add the states ``[n, L, d]`` of the tokens that ``n`` rows have just consumed."""
        self._gather(rows, states)
        self._sums += states
        for row in rows:
            row.summed += 1

    def take(self, rows: Sequence[History], states: Tensor) -> Tensor:
        """Return the mean ``[n, L, d]`` of each row's step, float32, and begin its next step.

        Args:
            rows: Rows whose newest token ends a step.
            states: ``[n, L, d]`` of that token: the mean where nothing was added.
        """
        self._home()
        means = [
            own.float() if row.sum is None or not row.summed else row.sum / row.summed
            for row, own in zip(rows, states, strict=True)
        ]
        for row in rows:
            row.sum, row.summed = None, 0
        return torch.stack(means)

    def _gather(self, rows: Sequence[History], states: Tensor) -> None:
        """Make one tensor of the rows' sums, unless it is there."""
        if len(rows) == len(self._rows) and all(
            a is b for a, b in zip(rows, self._rows, strict=True)
        ):
            return
        self._home()
        nothing = torch.zeros_like(states[0], dtype=torch.float32)
        self._rows = list(rows)
        self._sums = torch.stack([nothing if row.sum is None else row.sum for row in rows])

    def _home(self) -> None:
        for row, own in zip(self._rows, self._sums, strict=True):
            row.sum = own
        self._rows, self._sums = [], self._sums[:0]
