"""A rule over its whole grid of thresholds: what each would have saved and lost on test traces."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from probexit.calibration.base import Array
from probexit.experiments.evaluation.metrics import Metrics
from probexit.experiments.evaluation.problems import Band
from probexit.experiments.methods.core.accounting import TraceResults


@dataclass(frozen=True)
class Curve:
    """A rule at ``m`` thresholds, strict to lax.

    Attributes:
        thresholds: ``[m]``.
        risk: Mean loss on the test problems.
        accuracy: Share of right answers.
        thinking: Mean thinking tokens.
        total: Mean of all tokens, probing and answer with them.
        saved: Share of the full run's thinking that is saved.
        saved_total: Share of all its tokens that is saved, after paying for the probing.
    """

    thresholds: Array
    risk: Band
    accuracy: Band
    thinking: Band
    total: Band
    saved: Band
    saved_total: Band

    @classmethod
    def of(cls, thresholds: Array, trace_results: TraceResults, ruler: Metrics) -> Self:
        """Measure a rule from its tally ``[n, m]`` at ``thresholds [m]``."""
        means = ruler.problems.means
        return cls(
            thresholds=thresholds,
            risk=means(trace_results.loss),
            accuracy=means(trace_results.correct),
            thinking=means(trace_results.thinking),
            total=means(trace_results.total),
            saved=ruler.saved(trace_results),
            saved_total=ruler.saved_total(trace_results),
        )

    def at_risk(self, risk: float) -> int | None:
        """Return the threshold that saves most thinking at this observed risk or less, or None.

        Chosen with hindsight on the test problems: kind to the rule, no operating point of it.
        """
        allowed = self.risk.estimate <= risk
        if not allowed.any():
            return None
        return int(np.argmax(np.where(allowed, self.saved.estimate, -np.inf)))
