"""A population whose true risks are known exactly, so that a promise can be checked, not assumed.

Draws are with replacement from a finite table of problems; the risk of a threshold is the mean of
its column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest

GRID = np.linspace(0.95, 0.05, 19)


@dataclass(frozen=True)
class Population:
    losses: np.ndarray
    grid: np.ndarray

    @cached_property
    def risk(self) -> np.ndarray:
        return self.losses.mean(axis=0)

    def risk_at(self, threshold: float) -> float:
        return 0.0 if threshold == np.inf else float(self.risk[np.argmax(self.grid == threshold)])

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return self.losses[rng.integers(len(self.losses), size=n)]

    def risks(self, select: Callable[[np.ndarray, np.ndarray], float], n: int, draws: int):
        """True risks of the thresholds chosen on ``draws`` seeded calibration sets: [draws]."""
        rng = np.random.default_rng(0)
        chosen = (select(self.draw(rng, n), self.grid) for _ in range(draws))
        return np.array([self.risk_at(threshold) for threshold in chosen])


@pytest.fixture(scope="session")
def first_crossing() -> Population:
    """First-crossing losses of 8 noisy cues per problem: not monotone in the threshold."""
    rng = np.random.default_rng(7)
    hard = rng.beta(1, 4, size=(20_000, 1))
    safe = rng.random((20_000, 8)) > hard
    scores = np.clip(rng.normal(np.where(safe, 0.6, 0.35), 0.18), 0, 1)
    crossed = scores[:, :, None] >= GRID
    first = crossed.argmax(axis=1)
    lost = crossed.any(axis=1) & ~np.take_along_axis(safe, first, axis=1)
    return Population(lost.astype(float), GRID)


@pytest.fixture(scope="session")
def bounded(first_crossing: Population) -> Population:
    """The same with losses between 0 and 1: what is lost varies from problem to problem."""
    weight = np.random.default_rng(8).choice([0.25, 0.5, 1.0], size=(len(first_crossing.losses), 1))
    return Population(first_crossing.losses * weight, first_crossing.grid)


@pytest.fixture(scope="session")
def border() -> Population:
    """Independent columns, each a hair over a risk of .1: any threshold accepted is a mistake."""
    losses = np.random.default_rng(9).random((20_000, GRID.size)) < 0.1
    missing = 0.1 * len(losses) + 2 - losses.sum(axis=0)
    for column, count in enumerate(missing.astype(int)):
        rows = np.flatnonzero(losses[:, column] == (count < 0))[: abs(count)]
        losses[rows, column] ^= True
    return Population(losses.astype(float), GRID)


@pytest.fixture(scope="session")
def step() -> Population:
    """A risk of .02 on the strict half of the grid and .3 on the lax half."""
    rng = np.random.default_rng(10)
    risk = np.where(GRID >= 0.5, 0.02, 0.3)
    return Population((rng.random((20_000, 1)) < risk).astype(float), GRID)
