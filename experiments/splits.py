"""Split a run by problem: one part fits the probe, one calibrates, one is only ever tested on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from probexit.exits.trace import Trace


@dataclass(frozen=True)
class Splits:
    """Three disjoint sets of traces; all traces of a problem are in the same one."""

    fit: list[Trace]
    calibrate: list[Trace]
    test: list[Trace]


def split(
    traces: Sequence[Trace], fractions: tuple[float, float] = (1 / 3, 1 / 3), seed: int = 0
) -> Splits:
    """Shuffle the problems and cut them into fit, calibrate and test.

    Args:
        traces: All traces of a run.
        fractions: Shares of the problems that fit and calibrate; the rest tests.
        seed: Of the shuffle.

    Raises:
        ValueError: with fewer than three problems.
    """
    problems = sorted({trace.problem for trace in traces})
    if len(problems) < 3:
        raise ValueError(f"{len(problems)} problems cannot be split in three: record more (--n)")
    random.Random(seed).shuffle(problems)
    a = max(1, round(len(problems) * fractions[0]))
    b = max(a + 1, round(len(problems) * sum(fractions)))
    part = {p: 0 if i < a else 1 if i < b else 2 for i, p in enumerate(problems)}
    parts: tuple[list[Trace], list[Trace], list[Trace]] = ([], [], [])
    for trace in traces:
        parts[part[trace.problem]].append(trace)
    return Splits(*parts)
