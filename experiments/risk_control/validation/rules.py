"""The calibrations that are put to the test: each turns a calibration draw into exits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probexit.calibration.base import Array, Calibrator
from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import require_one_each

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Pool:
    """All traces that were not fitted on, with everything a re-draw needs.

    Attributes:
        scores: ``[n, c]`` score at each cue, padded with -inf.
        correct: ``[n, c]`` bool, forced answer right, padded with False.
        cue_losses: ``[n, c + 1]`` loss of leaving at each cue; the last column is the full run.
        grid: ``[m]`` thresholds, strict to lax.
        losses: ``[n, m]`` loss of the first crossing at each threshold.
        saved: ``[n, c + 1]`` thinking tokens saved by leaving at each cue; 0 for the full run.
        thinking: ``[n]`` thinking tokens of the full run.
    """

    scores: Array
    correct: NDArray[np.bool_]
    cue_losses: Array
    grid: Array
    losses: Array
    saved: Array
    thinking: Array

    def first(self, rows: Ints, threshold: float) -> Ints:
        """Return each row's first cue whose score reaches the threshold, or the last column."""
        crossed = self.scores[rows] >= threshold
        found: Ints = np.where(crossed.any(1), crossed.argmax(1), self.scores.shape[1])
        return found

    @classmethod
    def of(
        cls,
        traces: Sequence[Trace],
        scores: Sequence[Array],
        cue_losses: Sequence[Array],
        grid: Array,
    ) -> "Pool":
        """Pad the columns of ``n`` traces and look up every first crossing once.

        Raises:
            ValueError: if a problem has several traces.
        """
        require_one_each(traces)
        n, width = len(traces), max(len(s) for s in scores)
        padded = np.full((n, width), -np.inf)
        correct = np.zeros((n, width), dtype=bool)
        losses, saved = np.zeros((n, width + 1)), np.zeros((n, width + 1))
        for i, trace in enumerate(traces):
            c = len(scores[i])
            padded[i, :c], losses[i, :c] = scores[i], cue_losses[i]
            correct[i, :c] = trace.cues.correct.numpy()
            spent = trace.cues.positions.numpy() + 1 - trace.begins
            saved[i, :c] = trace.thinking - spent
        thinking = np.array([trace.thinking for trace in traces], dtype=np.float64)
        pool = cls(padded, correct, losses, grid, np.zeros((n, 0)), saved, thinking)
        rows = np.arange(n)
        table = np.stack([losses[rows, pool.first(rows, t)] for t in grid], 1)
        return replace(pool, losses=table)


class CalibrationUnderTest(ABC):
    """A calibration under test.

    Attributes:
        name: For the table.
        promises: What its level is about.
    """

    name: str
    promises: str

    @abstractmethod
    def threshold(self, pool: Pool, rows: Ints) -> float:
        """Calibrate on these rows of the pool."""


@dataclass(frozen=True)
class PerProblem(CalibrationUnderTest):
    """A calibrator of loss tables: the unit is the problem."""

    name: str
    calibrator: Calibrator
    promises: str = "lost problems"

    def threshold(self, pool: Pool, rows: Ints) -> float:
        return self.calibrator.select(pool.losses[rows], pool.grid)


@dataclass(frozen=True)
class PerCueCalibration(CalibrationUnderTest):
    """LYNX's published rule on pooled cues: the unit is the cue."""

    name: str
    level: float
    promises: str = "unsafe cues passed"

    def threshold(self, pool: Pool, rows: Ints) -> float:
        real = np.isfinite(pool.scores[rows])
        found = ClassConditional(self.level)
        return found.calibrate(pool.scores[rows][real], pool.correct[rows][real]).threshold
