"""An intervention inside ``model.generate``: ``logits_processor=[RowIntervention(bound)]``."""

from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.interventions.base import Bound

TAIL = 16  # tokens by which a call is known to go on with the rows of the call before


class RowIntervention(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Lets a bound intervention see the rows of ``generate``.

    Left padding is read as part of the prompt, and what fills a finished row up as part of its
    answer; neither changes whether a row thinks. The prompts are copied from the device once, then
    the newest tokens with the few before them.
    """

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self._rows: list[list[int]] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Take ``input_ids [b, t]`` and ``scores [b, V]``; return other scores."""
        newest: list[list[int]] = input_ids[:, -TAIL - 1 :].tolist()
        if self._goes_on(newest, input_ids.shape[1]):
            for row, tail in zip(self._rows, newest, strict=True):
                row.append(tail[-1])
        else:
            self._rows = input_ids.tolist()
        return self.bound(self._rows, scores)

    def _goes_on(self, newest: list[list[int]], length: int) -> bool:
        """Tell whether these are the rows of the call before with one token more."""
        return len(newest) == len(self._rows) and all(
            len(row) == length - 1 and row[-(len(tail) - 1) :] == tail[:-1]
            for row, tail in zip(self._rows, newest, strict=True)
        )
