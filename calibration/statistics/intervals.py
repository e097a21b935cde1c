"""Intervals: an estimate with its bounds, and the two-sided ones of a plain rate."""

import math
from dataclasses import dataclass

from scipy.stats import beta, norm

from probexit.calibration.base import require_level


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds of its confidence interval; prints as ``0.91 [0.89, 0.93]``.

    A bound is NaN where the data do not determine it. ``f"{interval:.1%}"`` formats all three.
    """

    estimate: float
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __format__(self, spec: str) -> str:
        estimate, low, high = (
            format(part, spec or ".3f") for part in (self.estimate, self.low, self.high)
        )
        return f"{estimate} [{low}, {high}]"

    def __str__(self) -> str:
        return format(self)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Exact two-sided interval: covers every rate with probability ``confidence`` or more.

    Only for independent trials, one per problem; not for cues. Clopper and Pearson, Biometrika 26
    (1934).

    Raises:
        ValueError: unless ``0 <= successes <= n``, ``n > 0`` and ``0 < confidence < 1``.
    """
    _require_counts(successes, n)
    require_level(confidence=confidence)
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0
    high = float(beta.isf(tail, successes + 1, n - successes)) if successes < n else 1.0
    return Interval(successes / n, low, high)


def paired_change(gained: int, lost: int, n: int, confidence: float = 0.95) -> Interval:
    """Conservative interval of ``(gained - lost) / n``: the change of a rate on the same trials.

    The two counts have exact intervals at ``(1 + confidence) / 2`` each; both hold at once with
    probability ``confidence`` or more (Bonferroni): no change seen is not certainty of none.

    Raises:
        ValueError: unless the counts are at least 0, fit in ``n > 0``, and ``0 < confidence < 1``.
    """
    _require_counts(gained + lost, n)
    require_level(confidence=confidence)
    up, down = (clopper_pearson(count, n, (1 + confidence) / 2) for count in (gained, lost))
    return Interval((gained - lost) / n, up.low - down.high, up.high - down.low)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Score interval: shorter than the exact one, covers ``confidence`` on average over rates.

    Only for independent trials. Wilson, JASA 22 (1927). Errors as for ``clopper_pearson``.
    """
    _require_counts(successes, n)
    require_level(confidence=confidence)
    z, rate = float(norm.isf((1 - confidence) / 2)), successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    shrink = 1 + z * z / n
    low = (centre - half) / shrink if successes else 0.0
    high = (centre + half) / shrink if successes < n else 1.0
    return Interval(rate, low, high)


def _require_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
