"""Risk against coverage: how often one is wrong on the share of cues one is surest about.

El-Yaniv and Wiener (JMLR 11, 2010); the area under the curve is AURC (arXiv 1805.08206).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.statistics.bootstrap import DEFAULT, Resampling


@dataclass(frozen=True)
class RiskCoverage:
    """The curve, with bands over problems.

    Attributes:
        coverage: ``[k]`` shares of the cues taken, surest first, up to 1.
        risk: ``[k]`` share of wrong ones among them.
        low: ``[k]`` lower bound of the risk.
        high: ``[k]`` upper bound.
        area: Mean risk over the coverages (AURC); smaller is better.
    """

    coverage: Array
    risk: Array
    low: Array
    high: Array
    area: float


def risk_coverage(
    scores: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    points: int = 20,
    resampling: Resampling = DEFAULT,
) -> RiskCoverage:
    """Trace the risk among the surest cues as more and more are taken.

    Args:
        scores: ``[n]``, larger = likelier right.
        labels: ``[n]`` in {0, 1}, 1 = right.
        groups: ``[n]`` problem of each cue; the bands resample problems.
        points: Coverages, evenly spaced up to 1.
        resampling: Draws, confidence and seed.

    Raises:
        ValueError: what ``Scored.of`` refuses, ``groups`` of another length, or no points.
    """
    if points < 1:
        raise ValueError(f"points must be at least 1, got {points}")
    data = Scored.of(scores, labels)
    problem_of = data.problems(groups)
    order = np.argsort(-data.scores, kind="stable")
    wrong, owner = 1 - data.labels[order], problem_of[order]
    coverage = np.linspace(1 / points, 1, points)
    risk = _curve(wrong, np.ones_like(wrong), coverage)
    draws = [
        _curve(wrong, count[owner], coverage) for count in resampling.counts(problem_of.max() + 1)
    ]
    low, high = resampling.bounds(np.stack(draws))
    return RiskCoverage(coverage, risk, low, high, float(risk.mean()))


def _curve(wrong: Array, weights: Array, coverage: Array) -> Array:
    """Weighted share of wrong cues among the surest, at each coverage; input surest first."""
    taken, lost = np.cumsum(weights), np.cumsum(weights * wrong)
    ends = np.searchsorted(taken, coverage * taken[-1] - 1e-9)
    return np.asarray(lost[ends] / taken[ends], dtype=np.float64)
