"""LYNX's per-cue rule as published: class-conditional split conformal on pooled cues.

LYNX (arXiv 2512.05325), re-implemented from its formulas. Kept as published, for comparison.

What it promises: of the *unsafe cues*, drawn one at a time and exchangeably, at most a share delta
has the score exceed ``q_neg``. What it does not promise: that a *problem* exits wrongly at most
delta of the time (an exit is the first of many tests along a trace), that an exit is right with
probability 1 - delta, or anything when a class has fewer than ``1 / delta - 1`` cues (the published
rank is clamped). Cues of one trace are not exchangeable either. Its threshold is **not monotone**
in delta: past the crossing of the two quantiles a larger delta is stricter.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, Bools, require_level
from probexit.calibration.bounds import rank


@dataclass(frozen=True)
class CueRule:
    """Exit at the first cue whose conformal set is exactly {safe}.

    Attributes:
        q_pos: Conformal quantile of ``1 - p`` over the safe cues.
        q_neg: Conformal quantile of ``p`` over the unsafe cues.
    """

    q_pos: float
    q_neg: float

    @property
    def tau(self) -> float:
        """The published threshold ``max(1 - q_pos, q_neg)``; a score at ``q_neg`` does not exit."""
        return max(1 - self.q_pos, self.q_neg)

    @property
    def threshold(self) -> float:
        """The number for which ``score >= threshold`` is :meth:`exits`, in double precision."""
        over = float(np.nextafter(self.q_neg, np.inf))
        return max(1 - self.q_pos, over)

    def exits(self, scores: ArrayLike) -> Bools:
        """Return, in the shape of ``scores`` (probability of safe), where the set is {safe}."""
        p = np.asarray(scores, dtype=np.float64)
        return np.asarray((p >= 1 - self.q_pos) & (p > self.q_neg), dtype=np.bool_)


@dataclass(frozen=True)
class ClassConditional:
    """The published calibration. Not a :class:`Calibrator`: it sees cues, not problems.

    Attributes:
        delta: Level per class; LYNX speaks of the confidence ``1 - delta``.
    """

    promise: ClassVar[str] = (
        "Per cue only: an unsafe cue passes with probability at most {delta:g}. Says nothing about "
        "how often a problem exits wrongly. Assumes exchangeable cues, which cues of one trace are "
        "not."
    )
    delta: float = 0.1

    def __post_init__(self) -> None:
        require_level(delta=self.delta)

    def calibrate(self, scores: ArrayLike, safe: ArrayLike) -> CueRule:
        """Fit both quantiles.

        Args:
            scores: ``[cues]`` probability that stopping at the cue is right.
            safe: ``[cues]`` whether it was.

        Raises:
            ValueError: on a shape mismatch, scores outside [0, 1], or a class without a cue.
        """
        p, right = checked_cues(scores, safe)
        return CueRule(q_pos=self.quantile(1 - p[right]), q_neg=self.quantile(p[~right]))

    def quantile(self, nonconformity: Array) -> float:
        """Return the k-th smallest, k clamped to the number of cues as published."""
        n = nonconformity.size
        if n == 0:
            raise ValueError(
                "LYNX's rule needs a safe and an unsafe cue; with one class only there is nothing "
                "to calibrate: record more problems, or use UnclampedClassConditional"
            )
        return float(np.sort(nonconformity)[min(rank(n, self.delta), n) - 1])


@dataclass(frozen=True)
class UnclampedClassConditional(ClassConditional):
    """The same without the clamp: too few cues of a class give an infinite quantile.

    With too few unsafe cues it never exits; with too few safe ones only ``q_neg`` decides.
    """

    def quantile(self, nonconformity: Array) -> float:
        """Return the k-th smallest, ``inf`` when there are fewer than k."""
        k = rank(nonconformity.size, self.delta)
        return float(np.sort(nonconformity)[k - 1]) if k <= nonconformity.size else float("inf")


def checked_cues(scores: ArrayLike, safe: ArrayLike) -> tuple[Array, Bools]:
    """Return ``scores [cues]`` as float64 and ``safe [cues]`` as bool after checking them."""
    p, right = np.asarray(scores, dtype=np.float64), np.asarray(safe, dtype=np.bool_)
    if p.ndim != 1 or p.shape != right.shape:
        raise ValueError(f"scores {p.shape} and safe {right.shape} must be one number per cue")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("scores must be probabilities in [0, 1]: apply a sigmoid first")
    return p, right
