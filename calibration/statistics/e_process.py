"""Exit when the evidence that a trace is safe is strong enough, whenever one looks.

E-valuator (Sadhuka et al., arXiv 2512.03109): the density ratio of the scores so far under safe and
unsafe traces is a martingale on unsafe ones, so it ever reaches ``1 / alpha`` on at most a share
alpha of them (Ville), over any number of cues. There it flags failing traces; here the sign is
turned. The ratio is learned by one classifier per step on the scores up to it.

A trace has *one* label: safe, or not. Where safety changes along the trace, label it safe only if
no exit would lose; the promise then covers every unsafe exit of the others.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression

from probexit.calibration.base import Array, Bools, require_level
from probexit.calibration.statistics.bounds import tolerance_rank


@dataclass
class EProcess:
    """Not a :class:`.Calibrator`: it sees every score of a trace, not a loss table.

    Attributes:
        least: Traces of each class a step needs to be learned; later steps never exit.
        weights_: For each learned step, the log-odds weights of the scores so far, intercept last.
    """

    least: int = 20
    weights_: list[Array] = field(init=False, default_factory=list)

    def fit(self, scores: ArrayLike, safe: ArrayLike) -> Self:
        """Learn the density ratio.

        Args:
            scores: ``[n, steps]``, NaN after the end of a trace.
            safe: ``[n]`` label of each trace.

        Raises:
            ValueError: on a shape mismatch, a gap inside a trace, or too few traces of a class.
        """
        s, right = _traces(scores, safe)
        prior = np.log(right.sum() / max((~right).sum(), 1)) if right.any() else 0.0
        self.weights_ = []
        for step in range(s.shape[1]):
            there = ~np.isnan(s[:, step])
            if min(right[there].sum(), (~right[there]).sum()) < self.least:
                break
            model = LogisticRegression(max_iter=1000).fit(s[there, : step + 1], right[there])
            self.weights_.append(np.append(model.coef_[0], model.intercept_[0] - prior))
        if not self.weights_:
            raise ValueError(f"give at least {self.least} safe and {self.least} unsafe traces")
        return self

    def wealth(self, scores: ArrayLike) -> Array:
        """Return ``[n, steps]`` evidence for safe; 0 beyond a trace's end or what was learned.

        Raises:
            ValueError: before :meth:`fit`.
        """
        if not self.weights_:
            raise ValueError("fit the density ratio first")
        s = np.asarray(scores, dtype=np.float64)
        result = np.zeros(s.shape)
        for step, w in enumerate(self.weights_[: s.shape[1]]):
            odds = s[:, : step + 1] @ w[:-1] + w[-1]
            result[:, step] = np.where(np.isnan(odds), 0.0, np.exp(np.nan_to_num(odds)))
        return result

    def pac_threshold(
        self, scores: ArrayLike, safe: ArrayLike, alpha: float, delta: float
    ) -> float:
        """Return a level of wealth that needs no faith in the learned ratio.

        The tolerance order statistic of the largest wealth of unsafe traces *not* used in
        :meth:`fit`: with confidence ``1 - delta`` at most a share alpha of unsafe traces ever
        exceeds it (strictly). ``inf`` when there are too few of them. Arguments as :meth:`fit`.
        """
        s, right = _traces(scores, safe)
        peak = np.sort(self.wealth(s[~right]).max(axis=1))
        k = tolerance_rank(len(peak), alpha, delta)
        return float(peak[k - 1]) if k <= len(peak) else inf


def ville_threshold(alpha: float) -> float:
    """Return ``1 / alpha``: safe if the density ratio is right, without further data."""
    require_level(alpha=alpha)
    return 1 / alpha


def _traces(scores: ArrayLike, safe: ArrayLike) -> tuple[Array, Bools]:
    s, right = np.asarray(scores, dtype=np.float64), np.asarray(safe, dtype=np.bool_)
    if s.ndim != 2 or right.shape != (len(s),):
        raise ValueError(f"scores {s.shape} must be [n, steps] and safe {right.shape} [n]")
    ended = np.isnan(s)
    if (ended[:, :-1] & ~ended[:, 1:]).any():
        raise ValueError("a trace has a score after a NaN: pad at the end only")
    return s, right
