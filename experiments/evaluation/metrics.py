"""Measure a tally against the full run and the oracle, the same way for every rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from probexit.calibration.statistics.intervals import Interval
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.evaluation.problems import Band, Problems
from probexit.experiments.evaluation.regret import BestExits
from probexit.experiments.methods.core.accounting import ExitValues, TraceResults
from probexit.experiments.methods.reference.oracle import earliest_right

UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Measures:
    """What is measured of one rule at one operating point, over problems.

    Attributes:
        accuracy: Share of right answers.
        change: Accuracy minus the full run's, paired.
        thinking: Mean thinking tokens.
        probing: Mean tokens decoded only to decide.
        total: Mean of all tokens: thinking, probing, closing text and answer.
        saved: Share of the full run's thinking that is saved.
        saved_total: Share of all its tokens that is saved, after probing.
        oracle_share: Thinking saved, as a share of what the oracle saves.
        risk: Observed risk: the mean loss.
        risk_solved: The same among problems that the full run solves; NaN where not measured.
        regret: Accuracy that exits chosen by their grades would have at as many tokens, minus its
            own; NaN where not measured.
    """

    accuracy: Interval
    change: Interval
    thinking: Interval
    probing: float
    total: Interval
    saved: Interval
    saved_total: Interval
    oracle_share: Interval
    risk: Interval
    risk_solved: Interval = UNKNOWN
    regret: Interval = UNKNOWN


@dataclass(frozen=True)
class Metrics:
    """What rules are measured against.

    Attributes:
        problems: The test problems and draws of them.
        full: The full run.
        oracle: The oracle.
        best: The most right answers for any number of tokens.
    """

    problems: Problems
    full: TraceResults
    oracle: TraceResults
    best: BestExits

    @classmethod
    def of(cls, traces: Sequence[Trace], exit_values: ExitValues) -> Self:
        """Make the ruler of some test traces.

        Raises:
            ValueError: if there are none.
        """
        problems = Problems.among(traces)
        full = np.full(len(traces), NO_EXIT)
        best = np.array([earliest_right(trace) for trace in traces])
        to_end, oracle = (exit_values.trace_results(places) for places in (full, best))
        return cls(problems, to_end, oracle, BestExits.of(exit_values))

    def measure(self, trace_results: TraceResults) -> Measures:
        """Measure a tally ``[n]``."""
        problems, full = self.problems, self.full
        saved = full.thinking - trace_results.thinking
        return Measures(
            accuracy=problems.rate(trace_results.correct),
            change=problems.change(trace_results.correct - full.correct),
            thinking=problems.mean(trace_results.thinking),
            probing=float(trace_results.probing.mean()),
            total=problems.mean(trace_results.total),
            saved=problems.ratio(saved, full.thinking),
            saved_total=problems.ratio(full.total - trace_results.total, full.total),
            oracle_share=problems.ratio(saved, full.thinking - self.oracle.thinking),
            risk=problems.rate(trace_results.loss),
            risk_solved=problems.rate_among(trace_results.loss, full.correct),
            regret=self.best.regret(trace_results.total, trace_results.correct, problems),
        )

    def saved(self, trace_results: TraceResults) -> Band:
        """Return the share of thinking saved, of a tally ``[n, m]``."""
        full = self.full.thinking
        return self.problems.ratios(full[:, None] - trace_results.thinking, full)

    def saved_total(self, trace_results: TraceResults) -> Band:
        """Return the share of all tokens saved, of a tally ``[n, m]``."""
        full = self.full.total
        return self.problems.ratios(full[:, None] - trace_results.total, full)
