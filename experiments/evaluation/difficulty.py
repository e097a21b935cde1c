"""Where a rule saves and where it loses: test problems by how long the full run thought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probexit.calibration.statistics.intervals import Interval, clopper_pearson
from probexit.experiments.evaluation.problems import Problems
from probexit.experiments.methods.core.context import Context

PARTS = 4


@dataclass(frozen=True)
class DifficultyGroup:
    """A part of the test problems, by the length of the full run's thinking.

    Attributes:
        shortest: Its shortest thinking, in tokens.
        longest: Its longest.
        problems: How many there are.
        saved: Share of their thinking tokens that the rule saves.
        lost: Share of them on which the rule loses.
    """

    shortest: int
    longest: int
    problems: int
    saved: Interval
    lost: Interval


def by_difficulty(context: Context, exits: Sequence[int]) -> list[DifficultyGroup]:
    """Measure a rule on each quarter of the test problems; fewer parts where lengths are few.

    Args:
        context: The run.
        exits: Where the rule left each test trace, as a row of the comparison holds them.
    """
    traces, values = context.splits.test, context.exit_values
    found = values.trace_results(np.array(exits))
    full = np.array([trace.thinking for trace in traces])
    edges = np.unique(np.quantile(full, np.linspace(0, 1, PARTS + 1)))
    part = np.clip(np.searchsorted(edges, full, side="left") - 1, 0, None)
    return [_group(traces, full, found, part == i) for i in np.unique(part)]


def _group(traces: Sequence[Any], full: Any, found: Any, here: Any) -> DifficultyGroup:
    chosen = [trace for trace, inside in zip(traces, here, strict=True) if inside]
    problems = Problems.among(chosen)
    saved = problems.ratio(full[here] - np.ravel(found.thinking)[here], full[here])
    losses = np.ravel(found.loss)[here]
    lost = clopper_pearson(int(losses.sum()), len(losses))
    return DifficultyGroup(int(full[here].min()), int(full[here].max()), len(problems), saved, lost)
