"""What collecting more problems would bring: expected saving by sample size, from a pilot run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probexit.calibration.base import Array, Calibrator, checked


@dataclass(frozen=True)
class Outlook:
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
) -> list[Outlook]:
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
        result.append(Outlook(n, share, float(saved.mean()), float(low), float(high)))
    return result


def _column(calibrator: Calibrator, pilot: Pilot, rows: NDArray[np.int_]) -> int:
    grid = np.asarray(pilot.grid)
    threshold = calibrator.select(np.asarray(pilot.losses)[rows], grid)
    return int(np.argmax(grid == threshold)) if threshold < math.inf else -1
