"""Rows of a batch by hand, filled up on either side."""

import torch

from probexit.hooks.padding import padded


def test_shorter_rows_are_filled_up_where_it_is_said() -> None:
    rows = [(5, 6, 7), [8]]
    ids, mask = padded(rows, "left", fill=9)
    assert ids.tolist() == [[5, 6, 7], [9, 9, 8]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    ids, mask = padded(rows, "right", width=4)
    assert ids.tolist() == [[5, 6, 7, 0], [8, 0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0]]
    assert ids.dtype == mask.dtype == torch.long
    assert [part.tolist() for part in padded(rows, "left", width=2)] == [
        [[5, 6, 7], [0, 0, 8]],
        [[1, 1, 1], [0, 0, 1]],
    ]
