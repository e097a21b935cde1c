"""DEER with the geometric mean of its paper and of its code for Qwen3 (arXiv 2504.15895)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.signals.deer_geometric import DeerGeometric
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.trial_answers.deer import Deer


@dataclass(frozen=True)
class DeerByGeometricMean(Deer):
    """Exit when the geometric mean probability reaches .95; the rest is as in DEER.

    One unsure token weighs more than in the arithmetic mean. What differs from the paper is what
    differs for DEER with the arithmetic mean.
    """

    title: ClassVar[str] = "DEER, geometric"

    def signal(self, context: Context) -> DeerGeometric:
        return DeerGeometric(context.closing)
