"""Error bars by resampling *problems*, since the cues of one problem are not independent.

The cluster bootstrap with percentile bounds (Davison and Hinkley, "Bootstrap methods and their
application", 1997, sections 3.8 and 5.3). A draw takes as many problems as there are, with
replacement, each with all of its cues; so it is a whole-number weight per problem. Too few problems
(say, under 30) make these intervals too short.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probexit.calibration.base import Array, require_level
from probexit.calibration.statistics.intervals import Interval

Statistic = Callable[[Array], float]
Metric = Callable[[Array, Array, Array], float]


@dataclass(frozen=True)
class Resampling:
    """How to draw: number of draws, confidence, seed. Equal seeds draw equal problems."""

    draws: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        require_level(confidence=self.confidence)
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    def counts(self, problems: int) -> Iterator[Array]:
        """Yield, per draw, how often each of ``problems`` was drawn: ``[problems]``."""
        rng = np.random.default_rng(self.seed)
        for _ in range(self.draws):
            drawn = rng.integers(problems, size=problems)
            yield np.bincount(drawn, minlength=problems).astype(np.float64)

    def bounds(self, draws: Array) -> tuple[Array, Array]:
        """Percentile bounds over the first axis of ``draws [draws, ...]``.

        A NaN, where a draw left the statistic undefined (one class, an empty bin), counts as
        unboundedly low for the lower bound and high for the upper, never as absent; a bound that
        this moves out of reach is NaN.
        """
        tail = (1 - self.confidence) / 2
        missing = np.isnan(draws)
        low = np.quantile(np.where(missing, -np.inf, draws), tail, axis=0, method="lower")
        high = np.quantile(np.where(missing, np.inf, draws), 1 - tail, axis=0, method="higher")
        return np.where(np.isinf(low), np.nan, low), np.where(np.isinf(high), np.nan, high)


DEFAULT = Resampling()


def bootstrap(
    statistic: Statistic, groups: ArrayLike, resampling: Resampling = DEFAULT
) -> Interval:
    """Interval of any statistic of weighted cues.

    Args:
        statistic: Maps weights ``[n]``, how often each cue was drawn, to a number; the estimate is
            its value at weights of one.
        groups: ``[n]`` problem of each cue.
        resampling: Draws, confidence and seed.

    Raises:
        ValueError: if there are no cues.
    """
    problem_of = _problems(groups)
    estimate = statistic(np.ones(len(problem_of)))
    counts = resampling.counts(problem_of.max() + 1)
    draws = np.array([statistic(count[problem_of]) for count in counts])
    return _interval(estimate, draws, resampling)


def bootstrap_metric(
    metric: Metric,
    scores: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    resampling: Resampling = DEFAULT,
) -> Interval:
    """Interval of ``metric(scores, labels, weights)``, for example ``auroc`` or ``ece``.

    Sorts by score once, which is most of the work of such metrics. ``scores``, ``labels`` and
    ``groups``, the problem of each, are ``[n]``.

    Raises:
        ValueError: if their lengths differ.
    """
    s, y, g = np.asarray(scores), np.asarray(labels), np.asarray(groups)
    if not s.shape == y.shape == g.shape:
        raise ValueError(f"scores, labels and groups differ: {s.shape}, {y.shape}, {g.shape}")
    order = np.argsort(s, kind="stable")
    s, y = s[order], y[order]
    return bootstrap(lambda weights: metric(s, y, weights), g[order], resampling)


def bootstrap_ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    groups: ArrayLike | None = None,
    resampling: Resampling = DEFAULT,
) -> Interval:
    """Interval of ``sum(numerators) / sum(denominators)``: a rate, a mean, a share of tokens saved.

    Args:
        numerators: ``[n]``.
        denominators: ``[n]``; ones for a mean.
        groups: ``[n]`` problem of each; if None, each is a problem of its own.
        resampling: Draws, confidence and seed.

    Raises:
        ValueError: if there are no rows or lengths differ.
    """
    a, b = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    problem_of = _problems(np.arange(len(a)) if groups is None else groups)
    if not a.shape == b.shape == problem_of.shape:
        raise ValueError(
            f"numerators, denominators and groups differ: {a.shape}, {b.shape}, {problem_of.shape}"
        )
    sums = np.stack([np.bincount(problem_of, a), np.bincount(problem_of, b)], axis=1)
    draws = np.stack([count @ sums for count in resampling.counts(len(sums))])
    total = sums.sum(axis=0)
    return _interval(float(_divide(total[0], total[1])), _divide(*draws.T), resampling)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None = None,
    resampling: Resampling = DEFAULT,
) -> Interval:
    """Interval of ``mean(first) - mean(second)``, both measured on the same runs of each problem.

    Pairing removes what is common to both, so it is far shorter than the difference of two
    intervals. Both are ``[n]``; other arguments and errors as for ``bootstrap_ratio``.

    Raises:
        ValueError: if they differ in length.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"first and second must be paired, got {a.shape} and {b.shape}")
    return bootstrap_ratio(a - b, np.ones_like(a), groups, resampling)


def _problems(groups: ArrayLike) -> NDArray[np.int64]:
    g = np.asarray(groups)
    if g.ndim != 1 or not len(g):
        raise ValueError(f"groups must be [n] with n > 0, got shape {g.shape}")
    problem_of: NDArray[np.int64] = np.unique(g, return_inverse=True)[1]
    return problem_of


def _interval(estimate: float, draws: Array, resampling: Resampling) -> Interval:
    low, high = resampling.bounds(draws)
    return Interval(estimate, float(low), float(high))


def _divide(numerators: Array, denominators: Array) -> Array:
    return np.divide(
        numerators, denominators, out=np.full_like(numerators, np.nan), where=denominators != 0
    )
