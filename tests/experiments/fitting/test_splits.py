"""Splits are by problem, and stay when a run grows."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import (
    FEW,
    MANY,
    Splits,
    check_shares,
    place,
    require_one_each,
    require_unseen,
    shares_for,
    split,
)

Make = Callable[..., list[Trace]]


def parts(splits: Splits) -> list[set[str]]:
    return [{t.problem for t in p} for p in (splits.fit, splits.calibrate, splits.test)]


def shuffled(traces: list[Trace], shares: tuple[float, float]) -> list[set[str]]:
    """Deal anew whenever the run grows: the control."""
    problems = sorted(t.problem for t in traces)
    random.Random(0).shuffle(problems)
    a, b = (round(len(problems) * part) for part in (shares[0], sum(shares)))
    return [set(problems[:a]), set(problems[a:b]), set(problems[b:])]


def test_growing_a_run_moves_no_problem(make_traces: Make) -> None:
    traces = make_traces(900)
    small, large = (parts(split(traces[:n], FEW, 3)) for n in (600, 900))
    assert all(before <= after for before, after in zip(small, large, strict=True))
    small, large = (shuffled(traces[:n], FEW) for n in (600, 900))
    assert len(small[0] & (large[1] | large[2])) > 50


def test_each_problem_is_in_one_part(make_traces: Make) -> None:
    """All rollouts are fitted on; one of each problem calibrates and is tested on."""
    twice = [replace(t, rollout=r) for t in make_traces(50) for r in (0, 1)]
    found = split(twice, (0.4, 0.3))
    assert sum(map(len, parts(found))) == len(set().union(*parts(found))) == 50
    dealt = [*found.fit, *found.calibrate, *found.test]
    left_out = [t for t in twice if t.rollout and t.problem not in parts(found)[0]]
    assert Counter(map(id, [*dealt, *left_out])) == Counter(map(id, twice))
    assert all(t.rollout == 0 for t in (*found.calibrate, *found.test))


def test_the_same_every_time_whatever_the_order(make_traces: Make) -> None:
    traces = make_traces(30)
    assert parts(split(traces, seed=1)) == parts(split(traces[::-1], seed=1))
    assert parts(split(traces, seed=1)) != parts(split(traces, seed=2))


def test_parts_have_their_shares() -> None:
    """4 standard errors over 20,000 problems, and for one problem over as many seeds."""
    for places in (
        [place(f"p{i}", 0) for i in range(20000)],
        [place("p", seed) for seed in range(20000)],
    ):
        for share in (0.2, 0.5, 0.7):
            below = sum(u < share for u in places) / 20000
            assert abs(below - share) < 4 * (share * (1 - share) / 20000) ** 0.5


def test_shares_follow_the_size_planned_at_first() -> None:
    assert [shares_for(n) for n in (150, 300, 1000)] == [FEW, MANY, MANY]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.0, 0.5), (0.4,), (float("nan"), 0.2)])
def test_shares_leave_something_to_each(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must be two above 0"):
        check_shares(shares)


def test_an_empty_part_is_refused(make_traces: Make) -> None:
    with pytest.raises(ValueError, match=r"2 problems leave none to .*: record more"):
        split(make_traces(2))


def test_a_fitted_problem_neither_calibrates_nor_tests(make_traces: Make) -> None:
    splits = split(make_traces(40))
    require_unseen(splits, {t.problem for t in splits.fit})
    for part in (splits.calibrate, splits.test):
        with pytest.raises(ValueError, match=r"fitted on 1 problems .* fit` again"):
            require_unseen(splits, {part[0].problem})


def test_several_rollouts_of_a_problem_are_refused(make_traces: Make) -> None:
    traces = make_traces(5)
    require_one_each(traces)
    with pytest.raises(ValueError, match="'p00002' has several rollouts"):
        require_one_each([*traces, replace(traces[2], rollout=1)])
