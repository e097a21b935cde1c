"""What the presets of Thought Calibration share (arXiv 2505.18404)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.smoothed import Smoothed
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule


@dataclass(frozen=True)
class Thought(ThresholdRule):
    """A probe of the steps' mean states, its scores averaged over the last ten steps.

    Attributes:
        window: Scores averaged.
    """

    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "mean hidden state of steps"
    guarantee: ClassVar[str] = "risk at most alpha"
    source: ClassVar[str] = "2505.18404"
    window: int = 10

    def policy(self, context: Context) -> ExitPolicy:
        return Smoothed(window=self.window)
