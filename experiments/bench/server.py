"""A serving engine as a simulation of its steps: requests arrive, wait, are written and leave.

An engine with continuous batching is scheduled step by step (Orca, OSDI 2022): a request enters as
soon as a place is free, and leaves when its last token is written. What a step takes is measured;
when it happens follows from the arrivals. Needs the extra ``bench`` (simpy).
"""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class StepCost:
    """Seconds that forward passes take.

    Attributes:
        step: Of every pass.
        row: More for each row that writes a token.
        prompt: More for each token of a prompt that is read.
    """

    step: float
    row: float = 0.0
    prompt: float = 0.0

    @classmethod
    def fitted(cls, passes: Sequence[tuple[int, int, float]]) -> Self:
        """Fit the costs, none below 0, to passes of (rows, prompt tokens, seconds)."""
        table = np.array(passes, float)
        design = np.column_stack([np.ones(len(table)), table[:, :2]])
        return cls(*map(float, nnls(design, table[:, 2])[0]))


@dataclass(frozen=True)
class Job:
    """What comes in.

    Attributes:
        arrives: When, in seconds.
        prompt: Tokens to read.
        tokens: Tokens to write, at least 1.
    """

    arrives: float
    prompt: int
    tokens: int


@dataclass(frozen=True)
class Sojourn:
    """When a request arrived, was let in and had its last token, in seconds."""

    arrives: float
    begins: float
    ends: float

    @property
    def wait(self) -> float:
        """Seconds before a place was free."""
        return self.begins - self.arrives

    @property
    def latency(self) -> float:
        """Seconds from arrival to the last token."""
        return self.ends - self.arrives


class Server:
    """An engine with so many places; one forward pass at a time."""

    def __init__(self, cost: StepCost, places: int) -> None:
        if places < 1:
            raise ValueError(f"places = {places}: an engine needs at least 1")
        self.cost, self.places = cost, places

    def serve(self, requests: Sequence[Job]) -> list[Sojourn]:
        """Serve requests, given in the order of arrival; return when each was served, likewise.

        Raises:
            ValueError: if they are not in order.
        """
        import simpy

        if any(b.arrives < a.arrives for a, b in pairwise(requests)):
            raise ValueError("requests are not in the order of arrival: sort them")
        self._requests, self._waiting = requests, deque[int]()
        self._left: dict[int, int] = {}  # tokens that rows still have to write
        self._begins: dict[int, float] = {}
        self._ends: dict[int, float] = {}
        env = simpy.Environment()
        self._woken = env.event()
        env.process(self._arrivals(env))
        env.run(env.process(self._steps(env)))
        return [
            Sojourn(request.arrives, self._begins[i], self._ends[i])
            for i, request in enumerate(requests)
        ]

    def _arrivals(self, env: Any) -> Generator[Any]:
        for i, request in enumerate(self._requests):
            if request.arrives > env.now:  # who come together are let in together
                yield env.timeout(request.arrives - env.now)
            self._waiting.append(i)
            if not self._woken.triggered:
                self._woken.succeed()

    def _steps(self, env: Any) -> Generator[Any]:
        while len(self._ends) < len(self._requests):
            if not self._waiting and not self._left:
                self._woken = env.event()
                yield self._woken
            entering = self._enter(env.now)
            if entering:
                read = sum(self._requests[i].prompt for i in entering)
                yield env.timeout(self.cost.step + self.cost.prompt * read)
                self._write(entering, env.now)
            if self._left:
                yield env.timeout(self.cost.step + self.cost.row * len(self._left))
                self._write(list(self._left), env.now)

    def _enter(self, now: float) -> list[int]:
        free = min(self.places - len(self._left), len(self._waiting))
        entering = [self._waiting.popleft() for _ in range(free)]
        for i in entering:
            self._begins[i], self._left[i] = now, self._requests[i].tokens
        return entering

    def _write(self, rows: Sequence[int], now: float) -> None:
        """Give each row a token; who has all of them leaves."""
        for i in rows:
            self._left[i] -= 1
            if self._left[i] == 0:
                del self._left[i]
                self._ends[i] = now


def poisson_arrivals(n: int, rate: float, seed: int) -> list[float]:
    """Return ``n`` ascending times, in seconds, of a Poisson process of so many a second."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, n)
    return [float(time) for time in gaps.cumsum()]


def percentiles(served: Sequence[Sojourn]) -> dict[str, float]:
    """Return latency percentiles in seconds, the mean wait, and requests served per second."""
    latencies = np.array([one.latency for one in served])
    p50, p95, p99 = np.percentile(latencies, (50, 95, 99))
    span = max(one.ends for one in served) - min(one.arrives for one in served)
    wait = float(np.mean([one.wait for one in served]))
    return {
        "p50": float(p50),
        "p95": float(p95),
        "p99": float(p99),
        "wait": wait,
        "per_second": len(served) / span,
    }
