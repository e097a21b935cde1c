"""Leave at the earliest right cue: the most that any rule could save without losing an answer."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome


@dataclass(frozen=True)
class Oracle(Method):
    """Exit at the first cue whose forced answer is right; think to the end where none is.

    So it also stops, and gains the answer, where the full run ends wrong but some cue was right. It
    looks at the grades: a bound, not a rule. Its saving is what the others' savings are shares of.
    """

    title: ClassVar[str] = "oracle"
    family: ClassVar[MethodFamily] = MethodFamily.BOUND
    reads: ClassVar[str] = "the grades of the test problems"
    guarantee: ClassVar[str] = "loses nothing; cannot be deployed"
    summary: ClassVar[str] = "exits at the earliest right cue; to the end if there is none"
    deployable: ClassVar[bool] = False

    def outcomes(self, context: Context) -> list[Outcome]:
        exits = torch.tensor([earliest_right(trace) for trace in context.splits.test])
        return [Outcome("earliest right cue", exits, torch.zeros_like(exits))]


def earliest_right(trace: Trace) -> int:
    """Return the first cue whose forced answer is right, or ``NO_EXIT``."""
    right = trace.cues.correct
    return int(right.int().argmax()) if right.any() else NO_EXIT
