"""An engine's obedience: orders become scores that leave a row no choice."""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from probexit.exits.engines.row import Row

ANSWER = -1  # an order: the answer's first token, which the model chooses but must not leave out
FREE = -2  # stands for no order


class Obedience:
    """Leaves one token to rows that are told what to write, or that answer after an exit.

    Nothing is read back from the device, and nothing is sent to it at steps without an order, as
    long as the same rows are out of their thinking.
    """

    def __init__(self, end: Collection[int]) -> None:
        """Prepare for a run; ``end`` are the tokens that end a sequence."""
        self._end = torch.tensor(sorted(end), dtype=torch.long)
        self._left: tuple[int, ...] = ()
        self._where = self._end[:0]

    def __call__(
        self, scores: Tensor, rows: Sequence[Row | None], orders: Sequence[int | None]
    ) -> Tensor:
        """Return scores ``[b, V]`` that only what is ordered can be drawn from.

        Args:
            scores: ``[b, V]``; not written into.
            rows: Their rows.
            orders: What ``Session.step`` returned for them.
        """
        left = tuple(i for i, row in enumerate(rows) if row is not None and row.exit is not None)
        if not left:
            return scores
        where = self.places(left, scores)
        only = self.chosen(scores[where], [orders[i] for i in left])
        scores = scores.clone()
        scores[where] = float("-inf")
        scores[where, only] = 0.0
        return scores

    def chosen(self, scores: Tensor, orders: Sequence[int | None]) -> Tensor:
        """Return the tokens ``[k]`` that rows out of their thinking write, by their orders.

        Without an order they write the likeliest token: an answer is decoded greedily, as the
        recorded forced answers were. Ordered to answer, the likeliest that ends nothing.
        """
        likeliest = scores.argmax(-1)
        if all(order is None for order in orders):
            return likeliest
        told = torch.tensor([FREE if o is None else o for o in orders], device=scores.device)
        if ANSWER in orders:
            self._end = self._end.to(scores.device)
            going_on = scores.index_fill(-1, self._end, float("-inf")).argmax(-1)
            likeliest = torch.where(told == ANSWER, going_on, likeliest)
        return torch.where(told >= 0, told, likeliest)

    def places(self, left: tuple[int, ...], like: Tensor) -> Tensor:
        """Return the index ``[k]`` of the rows that left, that of the step before if it can be."""
        if left != self._left or self._where.device != like.device:
            self._left, self._where = left, torch.tensor(left, device=like.device)
        return self._where


def first_of_answer(logits: Tensor, end: Collection[int]) -> int:
    """Return the likeliest token of ``logits [V]`` that does not end the sequence, for one row."""
    obedience = Obedience(end)
    return int(obedience.chosen(logits[None], [ANSWER]))
