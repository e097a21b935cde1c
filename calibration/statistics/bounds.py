"""Bounds and ranks behind every certificate: pure functions, each with its equation.

Sources: conformal rank, Angelopoulos and Bates (arXiv 2107.07511, section 1.1); Hoeffding-Bentkus,
Bates et al. (2101.02703) and Learn-then-Test (2110.01052); betting
bound, Waudby-Smith and Ramdas (2010.09686) in the form of 2101.02703; Clopper and
Pearson (1934, doi 10.1093/biomet/26.4.404); tolerance limits, Wilks (1941).
"""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrc, betaincinv, xlogy

from probexit.calibration.base import Array, Bools, require_level

HALVINGS = 34  # a bound is found to 1e-10, from above


def exact(level: float) -> Fraction:
    """Return the decimal a person wrote: 0.1 is 1/10, not the double nearest to it."""
    return Fraction(repr(float(level)))


def rank(n: int, alpha: float) -> int:
    """Return the conformal rank ``ceil((n + 1) (1 - alpha))``, exactly.

    The k-th smallest of n exchangeable scores bounds the next one with probability at least
    ``1 - alpha``; a rank above ``n`` means that no finite bound does. Floating point gets this
    wrong (n = 9, alpha = 0.7 gives 4 for 3), hence the fractions.
    """
    require_level(alpha=alpha)
    return math.ceil((n + 1) * (1 - exact(alpha)))


def binomial_p(failures: ArrayLike, n: ArrayLike, alpha: float | Array) -> Array:
    """Return ``P(Binomial(n, alpha) <= failures)``, a p-value for "the risk exceeds alpha".

    Exact for losses of 0 or 1 (2110.01052). ``[...]`` each; shapes broadcast.
    """
    tries = np.asarray(n, dtype=np.int64)
    k = np.minimum(np.asarray(failures, dtype=np.float64), tries)
    return np.asarray(bdtr(k, tries, alpha), dtype=np.float64)


def hoeffding_bentkus_p(total: ArrayLike, n: int, alpha: float | Array) -> Array:
    """Return the Hoeffding-Bentkus p-value for a ``total`` of n losses in [0, 1].

    ``min(exp(-n h1(min(R, alpha), alpha)), e P(Binomial(n, alpha) <= ceil(n R)))`` with
    ``h1(a, b) = a ln(a / b) + (1 - a) ln((1 - a) / (1 - b))`` (2110.01052).
    It takes the sum rather than the mean because ``n * mean`` may round past an integer.
    """
    summed = np.asarray(total, dtype=np.float64)
    mean = np.minimum(summed / n, alpha)
    divergence = xlogy(mean, mean / alpha) + xlogy(1 - mean, (1 - mean) / (1 - alpha))
    whole = np.ceil(np.round(summed, 9))  # a sum of fractions may end in 1e-16 above an integer
    p = np.minimum(np.exp(-n * divergence), math.e * binomial_p(whole, n, alpha))
    return np.asarray(np.minimum(p, 1.0), dtype=np.float64)


def hoeffding_upper(total: ArrayLike, n: int, delta: float) -> Array:
    """Return ``R + sqrt(ln(1 / delta) / 2n)``, at most 1: above the risk with prob. 1 - delta.

    ``total [...]`` is the sum of ``n`` losses in [0, 1], and ``R`` their mean.
    """
    bound = np.asarray(total, dtype=np.float64) / n + math.sqrt(math.log(1 / delta) / (2 * n))
    return np.minimum(bound, 1.0)


def clopper_pearson_upper(failures: ArrayLike, n: int, delta: float) -> Array:
    """Return the exact binomial upper bound, the beta quantile of ``(k + 1, n - k)``.

    ``failures [...]`` of ``n`` problems, at confidence ``1 - delta``.
    """
    k = np.asarray(failures, dtype=np.float64)
    bound = betaincinv(k + 1, np.maximum(n - k, 1), 1 - delta)
    return np.where(k >= n, 1.0, bound)


def betting_log_wealth(losses: Array, mean: float, delta: float) -> Array:
    """Return the log of the best wealth won betting that ``losses [n, ...]`` are below ``mean``.

    Under a true mean of ``mean`` or more the wealth is a supermartingale that starts at 1, so it
    reaches ``1 / d`` with probability at most d for every d; ``delta`` only says where the bets
    are sharpest (2101.02703; 2010.09686).
    """
    return _best_wealth(losses, mean, _bets(losses, delta))


def betting_upper(losses: ArrayLike, delta: float) -> Array:
    """Return the Waudby-Smith-Ramdas upper bound on the mean of ``losses [n, ...]`` in [0, 1]."""
    values = np.asarray(losses, dtype=np.float64)
    bets, enough = _bets(values, delta), math.log(1 / delta)
    return _lowest(lambda mean: _best_wealth(values, mean, bets) >= enough, values.shape[1:])


def hoeffding_bentkus_upper(total: ArrayLike, n: int, delta: float) -> Array:
    """Return the smallest risk that Hoeffding-Bentkus rejects (2101.02703); ``total [...]``."""
    shape = np.shape(total)
    return _lowest(lambda risk: hoeffding_bentkus_p(total, n, risk) <= delta, shape)


def _bets(losses: Array, delta: float) -> Array:
    n = len(losses)
    turn = np.arange(1, n + 1, dtype=np.float64).reshape(-1, *[1] * (losses.ndim - 1))
    running = (0.5 + np.cumsum(losses, axis=0)) / (turn + 1)
    variance = (0.25 + np.cumsum((losses - running) ** 2, axis=0)) / (turn + 1)
    before = np.concatenate([np.full_like(variance[:1], 0.25), variance[:-1]])
    return np.asarray(np.minimum(1.0, np.sqrt(2 * math.log(1 / delta) / (n * before))))


def _best_wealth(losses: Array, mean: float | Array, bets: Array) -> Array:
    return np.asarray(np.cumsum(np.log1p(-bets * (losses - mean)), axis=0).max(axis=0))


def _lowest(rejects: Callable[[Array], Bools], shape: tuple[int, ...]) -> Array:
    """Bisect for the smallest mean in (0, 1] that is rejected; 1 where none is."""
    low, high = np.zeros(shape), np.ones(shape)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rejected = rejects(middle)
        low, high = np.where(rejected, low, middle), np.where(rejected, middle, high)
    return high


def tolerance_rank(n: int, alpha: float, delta: float) -> int:
    """Return the smallest k whose order statistic covers ``1 - alpha`` with confidence 1 - delta.

    The smallest k with ``P(Binomial(n, 1 - alpha) >= k) <= delta`` (Wilks; used as the PAC
    threshold of E-valuator, 2512.03109); ``n + 1`` when no order statistic does.
    """
    require_level(alpha=alpha, delta=delta)
    k = np.arange(1, n + 1)
    enough = np.flatnonzero(bdtrc(k - 1.0, n, 1 - alpha) <= delta)
    return int(k[enough[0]]) if enough.size else n + 1
