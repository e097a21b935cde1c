"""Do scores mean what they say? Brier score and its parts, ECE, and data of a reliability diagram.

All treat a score as a probability that stopping is right, and accept ``weights [n]``, how often
each cue counts, so that the bootstrap can draw problems. They are defined for a single class too.
Errors: ValueError for what ``Scored.of`` refuses, and for scores outside [0, 1].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored
from probexit.calibration.statistics.bootstrap import DEFAULT, Resampling

BINS = 10


def brier(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared difference of score and label (Brier 1950, for two classes); 0 is perfect."""
    data = Scored.of(scores, labels, weights).probabilities()
    return float(np.average((data.scores - data.labels) ** 2, weights=data.weights))


def ece(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS
) -> float:
    """Expected calibration error: mean of ``|frequency - mean score|`` over bins of equal width.

    Bins are ``(k/b, (k+1)/b]``, the first one closed; each weighs what it holds (Guo et al.,
    arXiv 1706.04599, equation 3). Noise within bins only adds to it: it is biased upwards, more so
    in bootstrap draws, so an interval may lie wholly above the estimate.
    """
    data = Scored.of(scores, labels, weights).probabilities()
    return _calibration_error(data, equal_width(data, bins))


def adaptive_ece(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS
) -> float:
    """ECE over bins that hold equally many cues (Nixon et al., arXiv 1904.01685, section 4).

    Cues of equal score share a bin, so bins are as equal as ties allow.
    """
    data = Scored.of(scores, labels, weights).probabilities()
    return _calibration_error(data, equal_mass(data, bins))


@dataclass(frozen=True)
class BrierParts:
    """``brier = reliability - resolution + uncertainty + within_bin``, exactly.

    Attributes:
        reliability: Squared miscalibration of the bins; 0 is perfect.
        resolution: Spread of the bins' frequencies about the overall one; larger is better.
        uncertainty: Variance of the labels, whatever the scores.
        within_bin: What binning hides; 0 if each bin holds one distinct score.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bin: float


def brier_parts(
    scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS
) -> BrierParts:
    """Split the Brier score over bins of equal width.

    Murphy, J. Applied Meteorology 12 (1973), equation 4, for the first three parts; Stephenson,
    Coelho and Jolliffe, Weather and Forecasting 23 (2008), for the fourth.
    """
    data = Scored.of(scores, labels, weights).probabilities()
    share, score, frequency = _table(data, equal_width(data, bins))
    rate = share @ frequency
    reliability, resolution = share @ (score - frequency) ** 2, share @ (frequency - rate) ** 2
    uncertainty = rate * (1 - rate)
    rest = brier(scores, labels, weights) - reliability + resolution - uncertainty
    return BrierParts(float(reliability), float(resolution), float(uncertainty), float(rest))


@dataclass(frozen=True, repr=False)
class ReliabilityDiagram:
    """Arrays ``[bins]`` to draw; NaN where a bin is empty.

    Attributes:
        edges: ``[bins + 1]``.
        count: Cues per bin.
        score: Mean score.
        frequency: Share of right cues; on the diagonal ``frequency = score`` if calibrated.
        low: Lower bound of the frequency, over draws of problems.
        high: Its upper bound; NaN, as ``low``, where many draws leave the bin empty.
    """

    edges: Array
    count: NDArray[np.int64]
    score: Array
    frequency: Array
    low: Array
    high: Array

    def __repr__(self) -> str:
        lines = [f"{'score':>6}  {'right':>6}  {'95 % band':>14}  {'cues':>6}"]
        columns = (self.score, self.frequency, self.low, self.high, self.count)
        for score, share, low, high, count in zip(*columns, strict=True):
            if count:
                lines.append(f"{score:6.3f}  {share:6.3f}  [{low:.3f}, {high:.3f}]  {count:6d}")
        return "\n".join(lines)

    def to_frame(self) -> Any:
        """Return one line per bin that holds cues, as a pandas frame."""
        import pandas

        names = ("score", "frequency", "low", "high", "count")
        frame = pandas.DataFrame({name: getattr(self, name) for name in names})
        return frame[frame["count"] > 0].reset_index(drop=True)

    def plot(self, ax: Any = None) -> Any:
        """Draw frequency against score, the band over problems; return the axes (matplotlib)."""
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1] if ax is None else ax
        frame = self.to_frame()
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
        axes.fill_between(frame.score, frame.low, frame.high, alpha=0.2)
        axes.plot(frame.score, frame.frequency, marker="o")
        axes.set_xlabel("score")
        axes.set_ylabel("stopping was right")
        return axes


def reliability_diagram(
    scores: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    bins: int = BINS,
    resampling: Resampling = DEFAULT,
) -> ReliabilityDiagram:
    """Frequency against score in bins of equal width, with a pointwise band over problems.

    Args:
        scores: ``[n]`` in [0, 1].
        labels: ``[n]`` in {0, 1}.
        groups: ``[n]`` problem of each cue.
        bins: Number of bins.
        resampling: Draws, confidence and seed of the band.
    """
    data = Scored.of(scores, labels).probabilities()
    problem_of = data.problems(groups)
    bin_of = equal_width(data, bins)
    cell = problem_of * bins + bin_of
    shape = (problem_of.max() + 1, bins)
    cues, rights, totals = (
        np.bincount(cell, part, shape[0] * bins).reshape(shape)
        for part in (data.weights, data.labels, data.scores)
    )
    draws = [_share(c @ rights, c @ cues) for c in resampling.counts(shape[0])]
    low, high = resampling.bounds(np.array(draws))
    count = cues.sum(axis=0)
    return ReliabilityDiagram(
        edges=np.linspace(0, 1, bins + 1),
        count=count.astype(np.int64),
        score=_share(totals.sum(axis=0), count),
        frequency=_share(rights.sum(axis=0), count),
        low=np.where(count > 0, low, np.nan),
        high=np.where(count > 0, high, np.nan),
    )


def equal_width(data: Scored, bins: int) -> NDArray[np.int64]:
    """Bin ``[n]`` of each score, ``(k/b, (k+1)/b]``, the first one closed."""
    _require_bins(bins)
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    bin_of: NDArray[np.int64] = np.searchsorted(inner, data.scores, side="left")
    return bin_of


def equal_mass(data: Scored, bins: int) -> NDArray[np.int64]:
    """Bin ``[n]`` of each score by the rank of the middle of its ties, in weight."""
    _require_bins(bins)
    distinct, zeros, ones = data.runs()
    mass = zeros + ones
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bin_of_distinct = np.minimum((middle * bins).astype(np.int64), bins - 1)
    bin_of: NDArray[np.int64] = bin_of_distinct[np.searchsorted(distinct, data.scores)]
    return bin_of


def _table(data: Scored, bin_of: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Share of the weight, mean score and frequency of the bins that are not empty."""
    mass = np.bincount(bin_of, data.weights)
    held = mass > 0
    score = np.bincount(bin_of, data.weights * data.scores)[held] / mass[held]
    frequency = np.bincount(bin_of, data.weights * data.labels)[held] / mass[held]
    return mass[held] / mass.sum(), score, frequency


def _calibration_error(data: Scored, bin_of: NDArray[np.int64]) -> float:
    share, score, frequency = _table(data, bin_of)
    return float(share @ np.abs(score - frequency))


def _share(part: Array, whole: Array) -> Array:
    share: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def _require_bins(bins: int) -> None:
    if bins < 1:
        raise ValueError(f"need at least one bin, got {bins}")
