"""LYNX's per-cue rule without the clamp of its rank: too few cues give an infinite quantile."""

from dataclasses import dataclass

import numpy as np

from probexit.calibration.base import Array
from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.calibration.statistics.bounds import rank


@dataclass(frozen=True)
class UnclampedClassConditional(ClassConditional):
    """With too few unsafe cues it never exits; with too few safe ones only ``q_neg`` decides."""

    def quantile(self, nonconformity: Array) -> float:
        """Return the k-th smallest, ``inf`` when there are fewer than k."""
        k = rank(nonconformity.size, self.delta)
        return float(np.sort(nonconformity)[k - 1]) if k <= nonconformity.size else float("inf")
