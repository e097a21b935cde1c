"""Saving by difficulty: the parts add up to the whole."""

from itertools import pairwise

import pytest

from probexit.exits.replay import NO_EXIT
from probexit.experiments.evaluation.difficulty import PARTS, by_difficulty
from probexit.experiments.evaluation.results import Comparison
from probexit.experiments.methods.core.context import Context


def test_the_parts_are_the_whole(context: Context, compared: Comparison) -> None:
    (row,) = [r for r in compared.rows if r.method == "probe" and r.promised == compared.alpha]
    groups = by_difficulty(context, row.exits)
    tests = context.splits.test
    assert len(groups) == PARTS
    assert sum(group.problems for group in groups) == len({trace.problem for trace in tests})
    assert all(a.longest <= b.shortest for a, b in pairwise(groups))
    lost = sum(group.lost.estimate * group.problems for group in groups)
    assert lost / len(tests) == pytest.approx(row.measures.risk.estimate)


def test_what_never_exits_saves_and_loses_nothing(context: Context) -> None:
    for group in by_difficulty(context, [NO_EXIT] * len(context.splits.test)):
        assert group.saved.estimate == group.lost.estimate == 0
