"""The model left alone: what every rule is compared with."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.replay import NO_EXIT
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome


@dataclass(frozen=True)
class FullRun(Method):
    """Never exit."""

    title: ClassVar[str] = "full run"
    family: ClassVar[MethodFamily] = MethodFamily.REFERENCE
    reads: ClassVar[str] = "nothing"
    guarantee: ClassVar[str] = "loses nothing against itself"
    summary: ClassVar[str] = "never exits"

    def outcomes(self, context: Context) -> list[Outcome]:
        n = len(context.splits.test)
        return [Outcome("", torch.full((n,), NO_EXIT), torch.zeros(n, dtype=torch.long))]
