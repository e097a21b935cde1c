"""How many right answers a rule misses for the tokens that it spends: its regret."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from probexit.calibration.base import Array
from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.problems import Problems
from probexit.experiments.methods.core.accounting import ExitValues


@dataclass(frozen=True)
class BestExits:
    """The most right answers that leaving recorded traces can buy, for any number of tokens.

    An oracle that knows every grade (as Duo-LLM's, arXiv 2410.10846) leaves each trace without
    thinking, at a cue or at its end. The cheapest place of all traces comes first; then it buys
    right answers, the cheapest first, the last of them in part. So it is a bound for rules that
    leave recorded traces; a rule that generates anew may pass it.

    Attributes:
        cheapest: ``[n]`` tokens at the cheapest place of each trace.
        extra: ``[n]`` tokens more at its cheapest right place; inf where none is right.
    """

    cheapest: Array
    extra: Array

    @classmethod
    def of(cls, exit_values: ExitValues) -> Self:
        """Look at every place of the traces of ``exit_values``."""
        correct, _, thinking, answer = exit_values.columns
        cheapest = np.nanmin(thinking + answer, axis=1)
        right = np.where(correct == 1, thinking + answer, np.inf).min(axis=1)
        return cls(cheapest, right - cheapest)

    def accuracy(self, spent: Array, weights: Array) -> Array:
        """Return the accuracy that ``spent`` tokens buy, ``[k]``.

        Args:
            spent: ``[n]`` tokens of a rule on each trace.
            weights: ``[k, n]`` how often each of ``k`` draws took each trace.
        """
        order = np.argsort(self.extra)
        order = order[np.isfinite(self.extra[order])]
        budget = weights @ (spent - self.cheapest)
        price = weights[:, order] * self.extra[order]
        before = price.cumsum(1) - price
        left = np.maximum(budget[:, None] - before, 0.0)
        # What costs nothing more is always bought.
        bought = np.divide(left, price, out=np.ones_like(price), where=price > 0).clip(0, 1)
        found: Array = (weights[:, order] * bought).sum(1) / weights.sum(1)
        return found

    def regret(self, spent: Array, correct: Array, problems: Problems) -> Interval:
        """Return the best accuracy for ``spent [n]`` minus that of ``correct [n]``."""
        weights = np.concatenate([np.ones((1, len(spent))), problems.drawn[:, problems.of]])
        missed = self.accuracy(spent, weights) - weights @ correct / weights.sum(1)
        low, high = problems.resampling.bounds(missed[1:])
        return Interval(float(missed[0]), float(low), float(high))
