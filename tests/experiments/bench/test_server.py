"""The simulated server against queueing theory, and by hand."""

import numpy as np
import pytest

from probexit.experiments.bench.server import (
    Job,
    Server,
    StepCost,
    percentiles,
    poisson_arrivals,
)

N, RATE, MEAN = 20_000, 0.6, 100  # requests, per second, tokens of a service of one second
ONE_AT_A_TIME = Server(StepCost(step=0, prompt=1 / MEAN), places=1)


def mean_wait(services: np.ndarray, server: Server = ONE_AT_A_TIME) -> float:
    arrivals = poisson_arrivals(N, RATE, seed=1)
    requests = [Job(t, int(s), 1) for t, s in zip(arrivals, services, strict=True)]
    return percentiles(server.serve(requests))["wait"]


def pollaczek_khinchine(services: np.ndarray) -> float:
    """Mean wait of M/G/1: rate * E[S^2] / (2 (1 - rate * E[S]))."""
    seconds = services / MEAN
    return float(RATE * (seconds**2).mean() / (2 * (1 - RATE * seconds.mean())))


def test_the_mean_wait_is_that_of_the_formula() -> None:
    """M/D/1 and, with exponential services, M/M/1, which waits twice as long: positive control."""
    fixed = np.full(N, MEAN)
    drawn = np.random.default_rng(2).exponential(MEAN, N).round().clip(1)
    assert pollaczek_khinchine(fixed) == pytest.approx(RATE / (2 * (1 - RATE)))
    assert mean_wait(fixed) == pytest.approx(pollaczek_khinchine(fixed), rel=0.06)
    assert mean_wait(drawn) == pytest.approx(pollaczek_khinchine(drawn), rel=0.1)
    assert mean_wait(drawn) > 1.7 * mean_wait(fixed)


def test_two_places_by_hand() -> None:
    """The third waits for the place of the second; a row's first token comes with its prompt."""
    requests = [Job(0, 5, 3), Job(0, 5, 2), Job(0.5, 5, 2)]
    served = Server(StepCost(step=1), places=2).serve(requests)
    # 0-1 both prompts, 1-2 a step ends the second, 2-3 the third's prompt, 3-4 a step ends both
    assert [one.begins for one in served] == [0, 0, 2]
    assert [one.ends for one in served] == [4, 2, 4]
    assert percentiles(served)["per_second"] == 3 / 4


def test_rows_share_the_fixed_cost_of_a_step() -> None:
    requests = [Job(0, 1, 11)] * 8
    ends = [
        max(s.ends for s in Server(StepCost(step=1, row=0.1), p).serve(requests)) for p in (1, 8)
    ]
    assert ends[0] == pytest.approx(8 * (1 + 10 * 1.1))
    assert ends[1] == pytest.approx(1 + 10 * 1.8)


def test_costs_are_found_in_passes() -> None:
    true = StepCost(0.02, 0.003, 0.0004)
    shapes = [(rows, 0) for rows in range(1, 17)] + [(0, 40 * k) for k in range(1, 9)]
    passes = [(r, p, true.step + true.row * r + true.prompt * p) for r, p in shapes]
    found = StepCost.fitted(passes)
    assert (found.step, found.row, found.prompt) == pytest.approx((0.02, 0.003, 0.0004))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="places = 0"):
        Server(StepCost(1), 0)
    with pytest.raises(ValueError, match="sort them"):
        ONE_AT_A_TIME.serve([Job(1, 1, 1), Job(0, 1, 1)])
