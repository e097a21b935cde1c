"""Splits are by problem, and the same every time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from probexit.exits.trace import Trace
from probexit.experiments.splits import Splits, split

Make = Callable[..., list[Trace]]


def parts(splits: Splits) -> list[list[Trace]]:
    return [splits.fit, splits.calibrate, splits.test]


def test_each_problem_is_in_one_part(make_traces: Make) -> None:
    twice = [replace(t, rollout=r) for t in make_traces(50) for r in (0, 1)]
    found = parts(split(twice, (0.4, 0.3)))
    assert [len(p) for p in found] == [40, 30, 30]
    assert Counter(id(t) for p in found for t in p) == Counter(map(id, twice))
    problems = [{t.problem for t in p} for p in found]
    assert [len(p) for p in problems] == [20, 15, 15]


def test_the_same_every_time_whatever_the_order(make_traces: Make) -> None:
    traces = make_traces(30)

    def fit_part(order: list[Trace], seed: int) -> set[str]:
        return {t.problem for t in split(order, seed=seed).fit}

    assert fit_part(traces, 1) == fit_part(traces[::-1], 1)
    assert fit_part(traces, 1) != fit_part(traces, 2)


def test_every_problem_gets_everywhere(make_traces: Make) -> None:
    """Over many seeds a problem is as often in one part as in another: 3.9 standard errors."""
    traces, seeds = make_traces(9), 400
    tests = Counter(t.problem for seed in range(seeds) for t in split(traces, seed=seed).test)
    assert all(abs(count - seeds / 3) < 3.9 * (seeds * 2 / 9) ** 0.5 for count in tests.values())


@pytest.mark.parametrize("n", [3, 4, 5])
def test_no_part_is_empty(n: int, make_traces: Make) -> None:
    assert all(parts(split(make_traces(n), (0.4, 0.3))))


def test_too_few(make_traces: Make) -> None:
    with pytest.raises(ValueError, match="2 problems cannot be split in three: record more"):
        split(make_traces(2))
