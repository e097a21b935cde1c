"""Sequences of several lengths as the rows of one batch."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence


def padded(
    rows: Sequence[Sequence[int]], side: Literal["left", "right"], fill: int = 0, width: int = 0
) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask of a batch, ``[b, t]`` each, int64, on the CPU.

    Args:
        rows: Token ids of each sequence.
        side: Where the shorter ones are filled up.
        fill: Token that fills them.
        width: Least width ``t``.
    """
    ids = [torch.tensor(list(row), dtype=torch.long) for row in rows]
    masks = [torch.ones_like(row) for row in ids]
    batch = pad_sequence(ids, True, fill, side), pad_sequence(masks, True, 0, side)
    more = max(0, width - batch[0].shape[1])
    where = (more, 0) if side == "left" else (0, more)
    return pad(batch[0], where, value=fill), pad(batch[1], where)
