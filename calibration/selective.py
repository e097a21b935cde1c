"""Answer or abstain: how sure one must be so that few of the answers *given* are wrong.

The risk is a ratio, P(wrong | answered), so a bound on a mean does not fit as it stands. But given
which problems are answered, each of these is wrong independently with just this probability: the
number wrong among the N answered is Binomial(N, risk), exactly, and the binomial p-value of
Learn-then-Test (arXiv 2110.01052) holds for every N, hence also for the N that happened. The other
way, to test that the mean of ``1[wrong and answered] - alpha 1[answered]`` is at most 0, is valid
too and weaker: it has to bound the spread of N as well.

Selective classification: Geifman and El-Yaniv (arXiv 1705.08500), who use the same binomial.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array, Bools, laxest, require_level
from probexit.calibration.certificate import Certificate
from probexit.calibration.statistics.bounds import binomial_p


@dataclass(frozen=True)
class SelectiveRisk:
    """Certifies a confidence from which on to answer, by fixed-sequence testing.

    Attributes:
        alpha: The most that may be wrong among the answers given.
        delta: Chance, over the draw of the calibration problems, that the promise fails.
        promise: What is guaranteed.
    """

    promise: ClassVar[str] = (
        "With confidence {confidence:.0%} over the draw of the calibration problems, an answer "
        "that is given to a new problem is wrong with probability at most {alpha:g}. Assumes "
        "calibration and new problems are independent draws from one distribution."
    )
    alpha: float = 0.05
    delta: float = 0.1

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha, delta=self.delta)

    def p_values(self, confidences: ArrayLike, wrong: ArrayLike, grid: ArrayLike) -> Array:
        """Test "more than alpha of the answers are wrong" at each threshold.

        Args:
            confidences: ``[n]``, one per problem; answered where at least the threshold.
            wrong: ``[n]`` bool, whether the answer would be wrong.
            grid: ``[m]`` thresholds, chosen without these problems.

        Returns:
            ``[m]``; 1 where nothing is answered.

        Raises:
            ValueError: if lengths differ or a confidence is NaN.
        """
        answered, lost = _answered(confidences, wrong, grid)
        return binomial_p(lost, answered, self.alpha)

    def order(self, confidences: ArrayLike, wrong: ArrayLike, finest: int = 100) -> Array:
        """Choose thresholds, and the order to test them in, on other problems than are tested on.

        The first is the one that would be rejected most clearly; then come laxer ones. To begin at
        the strictest, as one would for a risk per problem, is to begin where hardly any answer is
        left to test with.

        Args:
            confidences: ``[n]``.
            wrong: ``[n]`` bool.
            finest: Most thresholds.

        Returns:
            ``[m]`` strictly decreasing; empty if no confidence is above 0.
        """
        confidence_values = np.asarray(confidences, np.float64)
        values = np.unique(confidence_values[confidence_values > 0])
        if len(values) > finest:
            values = np.unique(np.quantile(values, np.linspace(0, 1, finest)))
        grid = values[::-1]
        return (
            grid[int(np.argmin(self.p_values(confidence_values, wrong, grid))) :]
            if len(grid)
            else grid
        )

    def certify(self, confidences: ArrayLike, wrong: ArrayLike, order: Array) -> Certificate:
        """Certify the laxest threshold that is reached without a failure.

        Args:
            confidences: ``[n]`` of the calibration problems.
            wrong: ``[n]`` bool.
            order: ``[m]`` thresholds in the order of testing, fixed without these problems.

        Returns:
            The threshold from which on to answer (``inf`` = abstain always) and the promise.
            ``losses`` are the wrong answers there.
        """
        n = len(np.asarray(wrong))
        if not len(order):
            return self._certificate(math.inf, n, 0, 0)
        passed = np.logical_and.accumulate(self.p_values(confidences, wrong, order) <= self.delta)
        threshold = laxest(order, passed)
        at = order[passed][-1:] if passed.any() else order[:1]
        answered, lost = _answered(confidences, wrong, at)
        return self._certificate(threshold, n, int(answered[0]), int(lost[0]))

    def _certificate(self, threshold: float, n: int, answered: int, lost: int) -> Certificate:
        seen = f"{lost} of the {answered} answers given to {n} calibration problems were wrong."
        problems: float = n
        if threshold < math.inf:
            words = self.promise.format(confidence=1 - self.delta, alpha=self.alpha)
            statement = f"{words} There, {seen}"
        else:
            problems = self._problems(n, answered, lost)
            more = (
                f"It takes about {problems:g} problems."
                if problems < math.inf
                else "More problems will not help: a better confidence would, or more risk."
            )
            statement = f"Nothing certified: abstain from every answer. {seen} {more}"
        return Certificate(
            threshold, self.alpha, self.delta, n, lost, type(self).__name__, statement, problems
        )

    def _problems(self, n: int, answered: int, lost: int) -> float:
        """Return the problems that it would take at the rates seen; ``inf`` if none would do."""
        if not answered or lost >= self.alpha * answered:
            return math.inf
        factors = np.exp(np.linspace(0, math.log(1e4), 500))
        p = binomial_p(np.ceil(lost * factors), np.floor(answered * factors), self.alpha)
        enough = np.flatnonzero(p <= self.delta)
        return float(np.ceil(n * factors[enough[0]])) if enough.size else math.inf


def _answered(confidences: ArrayLike, wrong: ArrayLike, grid: ArrayLike) -> tuple[Array, Array]:
    """Count the answers given, and the wrong ones among them, at each threshold: ``[m]``."""
    confidence_values, bad = np.asarray(confidences, np.float64), np.asarray(wrong, np.bool_)
    if confidence_values.shape != bad.shape or confidence_values.ndim != 1:
        raise ValueError(
            f"confidences {confidence_values.shape} and wrong {bad.shape} must both be [n]"
        )
    if np.isnan(confidence_values).any():
        raise ValueError("a confidence is NaN: give 0 where there is no answer")
    given: Bools = confidence_values[:, None] >= np.asarray(grid, np.float64)
    return given.sum(0), (given & bad[:, None]).sum(0)
