"""How many problems a certificate takes, and what an observed count certifies: plan before paying.

Everything here is binomial arithmetic on the calibrators' own rules (arXiv 2110.01052), so a
plan and the certificate it leads to cannot disagree.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probexit.calibration.base import Array, Calibrator, checked, require_level
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.bounds import binomial_p, clopper_pearson_upper

MOST = 2**20  # beyond a million problems the honest answer is "not by collecting more"


def smallest_sample(alpha: float, delta: float, failures: int = 0) -> int:
    """Return the fewest problems that certify ``alpha`` despite ``failures`` lost ones."""
    require_level(alpha=alpha, delta=delta)
    most = max(failures, 1)
    while binomial_p(failures, most, alpha) > delta:
        most *= 2
    sizes = range(1, most + 1)
    few = bisect_left(sizes, True, key=lambda n: bool(binomial_p(failures, n, alpha) <= delta))
    return few + 1  # more problems with as many lost ones only certify more


def allowed_failures(n: int, alpha: float, delta: float) -> int:
    """Return the most losses among ``n`` problems that still certify; -1 if even none does not."""
    require_level(alpha=alpha, delta=delta)
    return int((binomial_p(np.arange(n + 1), n, alpha) <= delta).sum()) - 1


def steps(alpha: float, delta: float, most: int = 10) -> list[int]:
    """Return the samples at which one more loss is allowed: ``[most + 1]``, for 0, 1, .. losses.

    Between two of them, further problems allow no further loss.
    """
    return [smallest_sample(alpha, delta, failures) for failures in range(most + 1)]


def certified_risk(failures: int, n: int, delta: float) -> float:
    """Return the smallest alpha that ``failures`` among ``n`` certify (Clopper-Pearson upper).

    Raises:
        ValueError: if ``failures`` does not lie between 0 and ``n``.
    """
    if not 0 <= failures <= n:
        raise ValueError(f"failures must lie between 0 and n = {n}, got {failures}")
    return float(clopper_pearson_upper(failures, n, delta))


def problems_needed(alpha: float, delta: float, rate: float = 0.0) -> float:
    """Return about how many problems Learn-then-Test needs if a share ``rate`` of them loses."""
    return problems_for(LearnThenTest(alpha, delta), rate)


def problems_for(calibrator: Calibrator, rate: float) -> float:
    """Return about how many problems ``calibrator`` needs if a share ``rate`` of them loses.

    It asks the calibrator itself, on tables of one threshold with the losses spread evenly.
    ``inf`` when a million would not do, as when the rate is not below alpha.

    Raises:
        ValueError: on a rate outside [0, 1].
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], got {rate!r}")
    if rate > calibrator.alpha:  # no need to ask: more problems only make this clearer
        return math.inf
    enough = 1
    while not _certifies(calibrator, rate, enough):
        if enough >= MOST:
            return math.inf
        enough *= 2
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        short, enough = (
            (short, middle) if _certifies(calibrator, rate, middle) else (middle, enough)
        )
    return enough


def _certifies(calibrator: Calibrator, rate: float, n: int) -> bool:
    count = np.ceil(np.round(rate * np.arange(n + 1), 9))  # losses among the first 0, 1, .. n
    return calibrator.select(np.diff(count)[:, None], np.zeros(1)) < math.inf


@dataclass(frozen=True)
class ExpectedSaving:
    """What ``n`` calibration problems can be expected to bring, judged from a pilot run.

    Attributes:
        n: Calibration problems.
        certified: Share of draws in which any threshold was certified.
        saving: Mean saving over all draws, 0 where nothing was certified.
        low: 5 % quantile of the saving over draws.
        high: 95 % quantile.
    """

    n: int
    certified: float
    saving: float
    low: float
    high: float


@dataclass(frozen=True)
class Pilot:
    """A small recorded run, to look ahead from.

    Attributes:
        losses: ``[n, m]`` loss of each problem at each threshold, strict to lax.
        savings: ``[n, m]`` what was saved there, say the share of thinking tokens not written.
        grid: ``[m]`` thresholds.
    """

    losses: Array
    savings: Array
    grid: Array

    def __post_init__(self) -> None:
        checked(self.losses, self.grid)
        if np.shape(self.savings) != np.shape(self.losses):
            raise ValueError(
                f"savings {np.shape(self.savings)} must match losses {np.shape(self.losses)}"
            )


def outlook(
    calibrator: Calibrator, pilot: Pilot, sizes: Sequence[int], draws: int = 200, seed: int = 0
) -> list[ExpectedSaving]:
    """Return the expected saving at each of ``sizes``, by drawing problems from the pilot.

    It draws with replacement, so it takes the pilot for the population: the smaller the pilot, the
    rougher the picture, above all of rare losses.
    """
    rng = np.random.default_rng(seed)
    mean_saving = np.append(np.mean(pilot.savings, axis=0), 0.0)  # the last: never exit
    result = []
    for n in sizes:
        rows = rng.integers(len(pilot.losses), size=(draws, n))
        columns = np.array([_column(calibrator, pilot, chosen) for chosen in rows])
        saved = mean_saving[columns]
        low, high = np.quantile(saved, [0.05, 0.95])
        share = float((columns >= 0).mean())
        result.append(ExpectedSaving(n, share, float(saved.mean()), float(low), float(high)))
    return result


def _column(calibrator: Calibrator, pilot: Pilot, rows: NDArray[np.int_]) -> int:
    grid = np.asarray(pilot.grid)
    threshold = calibrator.select(np.asarray(pilot.losses)[rows], grid)
    return int(np.argmax(grid == threshold)) if threshold < math.inf else -1
