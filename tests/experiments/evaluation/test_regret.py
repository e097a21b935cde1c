"""The oracle behind regret: no choice of exits has more right answers for as many tokens."""

from itertools import product

import numpy as np
import pytest

from probexit.experiments.evaluation.metrics import Metrics
from probexit.experiments.evaluation.regret import BestExits
from probexit.experiments.methods.core.context import Context


def every_choice(tiny: Context) -> list[tuple[float, float]]:
    """Tokens and right answers of every way to leave the traces."""
    correct, _, thinking, answer = tiny.exit_values.columns
    places = [np.flatnonzero(~np.isnan(row)) for row in correct]
    total = thinking + answer
    own = np.arange(len(total))
    return [(total[own, at].sum(), correct[own, at].sum()) for at in map(list, product(*places))]


def test_no_choice_of_exits_has_more_for_as_many_tokens(tiny: Context) -> None:
    best, choices = BestExits.of(tiny.exit_values), every_choice(tiny)
    n, ones = len(best.extra), np.ones((1, len(best.extra)))
    assert len(choices) > 50
    for spent, _ in choices:
        possible = max(right for tokens, right in choices if tokens <= spent)
        bound = float(best.accuracy(np.full(n, spent / n), ones)[0] * n)
        assert possible <= bound + 1e-9
        assert bound < possible + 1  # the last answer is bought in part


def test_the_bound_is_reached_where_it_is_whole(tiny: Context) -> None:
    best, choices = BestExits.of(tiny.exit_values), every_choice(tiny)
    n, ones = len(best.extra), np.ones((1, len(best.extra)))
    price = np.sort(best.extra[np.isfinite(best.extra)])
    for bought in range(len(price) + 1):
        spent = best.cheapest.sum() + price[:bought].sum()
        bound = float(best.accuracy(np.full(n, spent / n), ones)[0] * n)
        possible = max(right for tokens, right in choices if tokens <= spent + 1e-9)
        assert bound == pytest.approx(possible)


def test_an_oracle_regrets_nothing_and_leaving_at_random_regrets_more(tiny: Context) -> None:
    ruler = Metrics.of(tiny.splits.test, tiny.exit_values)
    assert ruler.measure(ruler.oracle).regret.estimate == pytest.approx(0)
    ours = ruler.measure(tiny.exit_values.trace_results(np.array([1, 0, 2, -1]))).regret
    worse = ruler.measure(tiny.exit_values.trace_results(np.array([0, 0, 0, -1]))).regret
    assert 0 < ours.estimate < worse.estimate
    assert ours.low <= ours.estimate <= ours.high


def test_draws_are_of_problems(tiny: Context) -> None:
    """Taking every problem twice changes nothing."""
    best = BestExits.of(tiny.exit_values)
    spent = best.cheapest + 3.0
    once, twice = (best.accuracy(spent, np.full((1, len(spent)), k)) for k in (1.0, 2.0))
    assert once == pytest.approx(twice)
