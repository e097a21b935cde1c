"""Steer from long to short right reasoning (efficiency steering, arXiv 2506.15647)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.steering import Steering, states


@dataclass(frozen=True)
class EfficiencySteering(Steering):
    """Add the mean state of short right traces less that of long right ones.

    The paper contrasts efficient and verbose traces *of the same problems*; a recording has one
    trace a problem, so here the shortest and the longest of all that are right are contrasted, and
    the direction also holds what tells easy problems from hard ones. The paper's self-rewarded
    training is not part of this. Its numbers could not be verified.

    Attributes:
        share: Share of the right traces that is short; as many are long.
    """

    title: ClassVar[str] = "efficiency steering"
    training: ClassVar[str] = "difference of mean states"
    source: ClassVar[str] = "2506.15647"
    summary: ClassVar[str] = "adds the direction from long to short right traces"
    share: float = 0.25

    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        right = [trace for trace in traces if trace.correct and len(trace.cues)]
        right.sort(key=lambda trace: trace.thinking)
        count = int(self.share * len(right))
        if count < 1:
            raise Unavailable("too few traces are right: record more problems, or easier ones")
        short, long = right[:count], right[-count:]
        return states(short, layer).mean(0) - states(long, layer).mean(0)
