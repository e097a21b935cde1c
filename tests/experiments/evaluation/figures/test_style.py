from itertools import pairwise

import pytest

from probexit.experiments.evaluation.figures import style
from probexit.experiments.methods.core.base import MethodFamily


def test_labels_far_apart_stay():
    assert style.spread([1.0, 5.0, 3.0], 1, 0, 10) == [1.0, 5.0, 3.0]


def test_labels_on_one_spot_are_spread_around_it():
    assert style.spread([5.0, 5.0, 5.0], 1, 0, 10) == [4.0, 5.0, 6.0]


def test_order_is_kept_and_gaps_hold():
    wanted = [2.0, 2.1, 9.9, 9.8, 2.05]
    found = style.spread(wanted, 1, 0, 10)
    order = sorted(range(5), key=lambda i: wanted[i])
    heights = [found[i] for i in order]
    assert all(b - a >= 1 - 1e-9 for a, b in pairwise(heights))
    assert min(heights) >= 0
    assert max(heights) <= 10


def test_too_many_labels_share_the_room():
    assert style.spread([1.0] * 5, 10, 0, 8) == pytest.approx([0, 2, 4, 6, 8])


def test_none_and_one():
    assert style.spread([], 1, 0, 10) == []
    assert style.spread([20.0], 1, 0, 10) == [10.0]


def test_families_are_told_apart_without_colour():
    looks = [style.look(family.value) for family in MethodFamily]
    assert len({look.marker for look in looks}) >= len(looks) - 1
    assert style.look("a family yet to come") == style.OTHER
