"""How well scores rank right cues above wrong ones: AUROC, pooled or within problem, and PR-AUC."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored


def auroc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Chance that a right cue scores above a wrong one, over all pairs; a tie counts one half.

    Args:
        scores: ``[n]``, larger = likelier right.
        labels: ``[n]`` in {0, 1}.
        weights: ``[n]`` how often each cue counts.

    Returns:
        In [0, 1]; NaN if a class is missing.

    Raises:
        ValueError: what ``Scored.of`` refuses.
    """
    _, zeros, ones = Scored.of(scores, labels, weights).runs()
    below = np.cumsum(zeros) - zeros
    return _ratio(ones @ (below + zeros / 2), ones.sum() * zeros.sum())


def pr_auc(scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Average precision: the step-wise area under precision against recall, label 1 to be found.

    Chance is the share of ones. ``[n]`` each; arguments and errors as for ``auroc``; NaN if a
    class is missing.
    """
    _, zeros, ones = (part[::-1] for part in Scored.of(scores, labels, weights).runs())
    if not zeros.any():
        return float("nan")
    found, taken = np.cumsum(ones), np.cumsum(ones + zeros)
    precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
    return _ratio(ones @ precision, ones.sum())


def within_problem_auroc(scores: ArrayLike, labels: ArrayLike, groups: ArrayLike) -> float:
    """AUROC over pairs of cues of the same problem: does the score tell *when*, not only *which*?

    The mean of the per-problem AUROCs over problems with both classes, each weighted by its number
    of (right, wrong) pairs; so the chance that, of a random such pair, the right cue scores higher.
    A score that depends on the problem alone gets 0.5 here, however high it is pooled.

    Args:
        scores: ``[n]``, larger = likelier right.
        labels: ``[n]`` in {0, 1}.
        groups: ``[n]`` problem of each cue.

    Returns:
        In [0, 1]; NaN if no problem has both classes.

    Raises:
        ValueError: what ``Scored.of`` refuses, or ``groups`` of another length.
    """
    wins, pairs = problem_pairs(scores, labels, groups)
    return _ratio(wins.sum(), pairs.sum())


def problem_pairs(
    scores: ArrayLike, labels: ArrayLike, groups: ArrayLike
) -> tuple[Array, NDArray[np.int64]]:
    """Count, per problem, (right, wrong) pairs and those that the score orders rightly.

    Returns:
        ``wins [p]`` (a tie counts one half) and ``pairs [p]``, problems in sorted order. Their
        ratio of sums is ``within_problem_auroc``; ``bootstrap_ratio(wins, pairs)`` is its interval.
    """
    data = Scored.of(scores, labels)
    problem_of = data.problems(groups)
    ones = np.bincount(problem_of, data.labels)
    zeros = np.bincount(problem_of) - ones
    # Mann and Whitney: sum of the right cues' ranks, less what they have among themselves.
    rank_sum = np.bincount(problem_of, data.labels * _ranks(data.scores, problem_of))
    return rank_sum - ones * (ones + 1) / 2, (ones * zeros).astype(np.int64)


def _ranks(scores: Array, problem_of: NDArray[np.int64]) -> Array:
    """Rank from 1 within each problem, ties sharing their mean rank."""
    order = np.lexsort((scores, problem_of))
    s, p = scores[order], problem_of[order]
    new_problem = np.r_[True, p[1:] != p[:-1]]
    starts = np.flatnonzero(new_problem | np.r_[True, s[1:] != s[:-1]])
    ends = np.r_[starts[1:], len(s)]
    offset = np.flatnonzero(new_problem)[p[starts]]
    ranks = np.empty_like(scores)
    ranks[order] = np.repeat((starts + ends + 1) / 2 - offset, ends - starts)
    return ranks


def _ratio(numerator: Any, denominator: Any) -> float:
    return float(numerator / denominator) if denominator > 0 else float("nan")
