"""The movable cache against one that keeps every row by itself and copies everything."""

import random

import pytest
import torch
from torch import Tensor

from probexit.exits.engines.cache import RowCache
from probexit.exits.engines.row_layer import ROOM

HEADS, WIDTH, LAYERS = 2, 3, 2


class Naive:
    """Each row's states per layer, oldest first: ``[heads, t, d]``, without any padding."""

    def __init__(self) -> None:
        self.rows: list[list[Tensor]] = []

    def append(self, states: list[Tensor]) -> None:
        for i, row in enumerate(self.rows):
            self.rows[i] = [
                torch.cat([old, new[i]], 1) for old, new in zip(row, states, strict=True)
            ]


def states(rows: int, columns: int) -> list[Tensor]:
    return [torch.randn(rows, HEADS, columns, WIDTH) for _ in range(LAYERS)]


def prefill(lengths: list[int]) -> tuple[RowCache, Naive]:
    """Left-padded rows of these lengths; the padding holds numbers that must never be seen."""
    width, cache, naive = max(lengths), RowCache(), Naive()
    made = states(len(lengths), width)
    for i, layer in enumerate(made):
        cache.update(layer, -layer, i)
    naive.rows = [[layer[r, :, width - n :] for layer in made] for r, n in enumerate(lengths)]
    return cache, naive


def agree(cache: RowCache, naive: Naive) -> None:
    for r, row in enumerate(naive.rows):
        for layer, expected in zip(cache.layers, row, strict=True):
            n = expected.shape[1]
            assert torch.equal(layer.keys[r, :, layer.keys.shape[-2] - n :], expected)
            assert torch.equal(layer.values[r, :, layer.keys.shape[-2] - n :], -expected)


@pytest.mark.parametrize("seed", range(8))
def test_any_course_of_a_batch(seed: int) -> None:
    rng = random.Random(seed)
    cache, naive = prefill([rng.randint(1, 9) for _ in range(5)])
    for _ in range(120):
        new = states(len(naive.rows), rng.choice([1, 1, 1, 4]))
        for i, layer in enumerate(new):
            keys, values = cache.update(layer, -layer, i)
            assert keys is cache.layers[i].keys
            assert torch.equal(values, -keys)
        naive.append(new)
        act = rng.random()
        if act < 0.1 and len(naive.rows) > 1:  # some rows leave
            kept = sorted(rng.sample(range(len(naive.rows)), rng.randint(1, len(naive.rows))))
            cache.select(torch.tensor(kept))
            naive.rows = [naive.rows[i] for i in kept]
        elif act < 0.25:  # others take the place of some
            places = rng.sample(range(len(naive.rows)), rng.randint(1, len(naive.rows)))
            lengths = [rng.randint(1, cache.get_seq_length() + 9) for _ in places]
            other, theirs = prefill(lengths)
            added = max(0, other.get_seq_length() - cache.get_seq_length())
            cache.place(torch.tensor(places), other, added)
            assert cache.get_seq_length() >= max(lengths)
            assert added == 0 or cache.get_seq_length() == max(lengths)
            for place, row in zip(places, theirs.rows, strict=True):
                naive.rows[place] = row
        elif act < 0.4:  # columns that no row needs any more are forgotten
            longest = max(row[0].shape[1] for row in naive.rows)
            cache.trim(cache.get_seq_length() - longest)
            assert cache.get_seq_length() == longest
        agree(cache, naive)


def test_a_step_copies_one_column() -> None:
    cache, _ = prefill([4, 4])
    buffers = cache.layers[0].buffers
    for _ in range(ROOM):
        for i, layer in enumerate(states(2, 1)):
            cache.update(layer, -layer, i)
    assert all(a is b for a, b in zip(buffers, cache.layers[0].buffers, strict=True))
    for i, layer in enumerate(states(2, 1)):
        cache.update(layer, -layer, i)
    assert cache.layers[0].buffers[0] is not buffers[0]
    assert cache.get_seq_length() == 4 + ROOM + 1


def test_what_stands_left_of_a_new_row_is_no_garbage() -> None:
    """A masked column is multiplied by zero, and zero times NaN is NaN."""
    cache, _ = prefill([3, 3])
    other, _ = prefill([50])
    cache.place(torch.tensor([1]), other, added=47)
    assert all(layer.keys.isfinite().all() for layer in cache.layers)
    assert (cache.layers[0].keys[0, :, :47] == 0).all()


def test_a_prompt_may_be_longer_than_the_room_ahead() -> None:
    cache, naive = prefill([2 * ROOM + 5, 3])
    agree(cache, naive)
