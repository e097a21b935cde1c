"""Steer from long to short right reasoning (efficiency steering, arXiv 2506.15647)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.steering import Steering, states

Pair = tuple[Trace, Trace]


@dataclass(frozen=True)
class EfficiencySteering(Steering):
    """Add the mean state of the shortest less that of the longest right trace of each problem.

    As in the paper, efficient and verbose traces *of the same problems* are contrasted, so that the
    direction does not hold what tells easy problems from hard ones; that takes several traces of a
    problem (`record --rollouts 4`). The means are over cue tokens, where the paper takes all. The
    paper's layers and strength were not found; its self-rewarded training is not part of this.
    """

    title: ClassVar[str] = "efficiency steering"
    training: ClassVar[str] = "difference of mean states"
    source: ClassVar[str] = "2506.15647"
    summary: ClassVar[str] = "adds the direction from long to short right traces"

    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        pairs = extremes(traces)
        if not pairs:
            raise Unavailable(
                "no problem has a short and a long right trace: record with --rollouts 4"
            )
        differences = [
            states([short], layer).mean(0) - states([long], layer).mean(0) for short, long in pairs
        ]
        return torch.stack(differences).mean(0)


def extremes(traces: Sequence[Trace]) -> list[Pair]:
    """Return the shortest and the longest right trace of each problem that has two of them.

    Traces without a cue, and problems whose right traces are all of one length, are passed over.
    """
    right: dict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        if trace.correct and len(trace.cues):
            right[trace.problem].append(trace)
    found = []
    for own in right.values():
        own.sort(key=lambda trace: trace.thinking)
        if own[0].thinking < own[-1].thinking:
            found.append((own[0], own[-1]))
    return found
