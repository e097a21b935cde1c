"""Answer at once (arXiv 2504.09858): what the thinking is worth."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.experiments.methods.core.accounting import START
from probexit.experiments.methods.core.base import Method, MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome


@dataclass(frozen=True)
class NoThinking(Method):
    """Close the thinking before it begins and take the answer forced there."""

    title: ClassVar[str] = "no thinking"
    family: ClassVar[MethodFamily] = MethodFamily.REFERENCE
    reads: ClassVar[str] = "nothing"
    source: ClassVar[str] = "2504.09858"
    summary: ClassVar[str] = "answers before any thinking"

    def outcomes(self, context: Context) -> list[Outcome]:
        n = len(context.splits.test)
        if any(trace.start is None for trace in context.splits.test):
            raise Unavailable("no answer before thinking was recorded: record again")
        return [Outcome("", torch.full((n,), START), torch.zeros(n, dtype=torch.long))]
