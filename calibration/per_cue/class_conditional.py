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

from probexit.calibration.base import Array, Bools
from probexit.calibration.per_cue.base import CueCalibrator, CueRule
from probexit.calibration.statistics.bounds import rank


@dataclass(frozen=True)
class ClassConditional(CueCalibrator):
    """The published calibration, ``delta`` per class; LYNX speaks of the confidence 1 - delta."""

    promise: ClassVar[str] = (
        "Per cue only: an unsafe cue passes with probability at most {delta:g}. Says nothing about "
        "how often a problem exits wrongly. Assumes exchangeable cues, which cues of one trace are "
        "not."
    )

    def _fitted(self, p: Array, safe: Bools) -> CueRule:
        return CueRule(q_pos=self.quantile(1 - p[safe]), q_neg=self.quantile(p[~safe]))

    def quantile(self, nonconformity: Array) -> float:
        """Return the k-th smallest of ``[cues]``, k clamped to the number of cues as published.

        Raises:
            ValueError: if there is no cue.
        """
        n = nonconformity.size
        if n == 0:
            raise ValueError(
                "LYNX's rule needs a safe and an unsafe cue; with one class only there is nothing "
                "to calibrate: record more problems, or use the unclamped rule"
            )
        return float(np.sort(nonconformity)[min(rank(n, self.delta), n) - 1])
