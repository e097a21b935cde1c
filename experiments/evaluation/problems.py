"""Draw problems, not traces, once for all rows: every difference between rows is then paired."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probexit.calibration.base import Array
from probexit.calibration.statistics.bootstrap import DEFAULT, Resampling
from probexit.calibration.statistics.intervals import Interval, clopper_pearson, paired_change
from probexit.exits.trace import Trace


@dataclass(frozen=True)
class Band:
    """Estimates with their bounds, each ``[m]``."""

    estimate: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Problems:
    """Which problem each of ``n`` traces belongs to, and how often each draw took each problem.

    Attributes:
        of: ``[n]`` number of the problem, from 0.
        drawn: ``[draws, problems]`` counts.
        resampling: Draws, confidence and seed.
    """

    of: NDArray[np.int64]
    drawn: Array
    resampling: Resampling

    @classmethod
    def among(cls, traces: Sequence[Trace], resampling: Resampling = DEFAULT) -> Self:
        """Draw the problems of some traces.

        Raises:
            ValueError: if there are no traces.
        """
        if not traces:
            raise ValueError("there are no test problems to compare on: record more (--n)")
        names, of = np.unique([trace.problem for trace in traces], return_inverse=True)
        return cls(of, np.stack(list(resampling.counts(len(names)))), resampling)

    def __len__(self) -> int:
        return int(self.drawn.shape[1])

    def ratios(self, numerators: Array, denominator: Array) -> Band:
        """Return ``sum / sum`` over the traces of ``[n, m]`` to ``[n]``, with its bounds: ``[m]``.

        The cluster bootstrap of ``calibration.bootstrap.bootstrap_ratio``, many at a time.
        """
        above, below = self._sums(numerators), self._sums(denominator[:, None])
        low, high = self.resampling.bounds(_divide(self.drawn @ above, self.drawn @ below))
        return Band(_divide(above.sum(0), below.sum(0)), low, high)

    def means(self, columns: Array) -> Band:
        """Return the means of ``[n, m]``, with their bounds: ``[m]``."""
        return self.ratios(columns, np.ones(len(columns)))

    def ratio(self, numerator: ArrayLike, denominator: ArrayLike) -> Interval:
        """Return the ratio of the sums of two columns ``[n]``."""
        above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
        band = self.ratios(above[:, None], below)
        return Interval(float(band.estimate[0]), float(band.low[0]), float(band.high[0]))

    def mean(self, values: ArrayLike) -> Interval:
        """Return the mean of a column ``[n]``; of a difference of columns, a paired interval."""
        column = np.asarray(values, np.float64)
        return self.ratio(column, np.ones_like(column))

    def rate(self, values: ArrayLike) -> Interval:
        """Return the mean of ``[n]`` numbers in [0, 1].

        Exact (Clopper and Pearson) where each problem has one trace and counts 0 or 1, so that a
        rate of nought is not given an interval of nought; else by drawing problems.
        """
        column = np.asarray(values, np.float64)
        if len(column) == len(self) and np.isin(column, (0.0, 1.0)).all():
            return clopper_pearson(int(column.sum()), len(column), self.resampling.confidence)
        return self.mean(column)

    def rate_among(self, values: ArrayLike, among: ArrayLike) -> Interval:
        """Return the mean of ``[n]`` numbers in [0, 1] over traces ``among [n]`` bool.

        Exact as ``rate``, given how many there are; NaN where there are none.
        """
        column, chosen = np.asarray(values, np.float64), np.asarray(among, bool)
        if not chosen.any():
            return Interval(np.nan, np.nan, np.nan)
        if len(column) == len(self) and np.isin(column[chosen], (0.0, 1.0)).all():
            n = int(chosen.sum())
            return clopper_pearson(int(column[chosen].sum()), n, self.resampling.confidence)
        return self.ratio(column * chosen, chosen)

    def change(self, values: ArrayLike) -> Interval:
        """Return the mean of ``[n]`` differences of numbers in [0, 1].

        Exact counts, conservatively joined, where each problem has one trace and changes by -1, 0
        or 1; else by drawing problems.
        """
        column = np.asarray(values, np.float64)
        if len(column) == len(self) and np.isin(column, (-1.0, 0.0, 1.0)).all():
            gained, lost = int((column > 0).sum()), int((column < 0).sum())
            return paired_change(gained, lost, len(column), self.resampling.confidence)
        return self.mean(column)

    def _sums(self, columns: Array) -> Array:
        sums = np.zeros((len(self), columns.shape[1]))
        np.add.at(sums, self.of, columns)
        return sums


def _divide(above: Array, below: Array) -> Array:
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below != 0)
    return found
