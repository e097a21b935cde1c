"""LYNX's per-cue conformal threshold (arXiv 2512.05325) on this run's own probe."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.policies.threshold import Threshold
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.per_cue_conformal import per_cue_outcomes
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep


@dataclass(frozen=True)
class LynxCalibration(Method):
    """LYNX's threshold on the probe that our own rule uses, so that only the calibration differs.

    Its confidence is read as a user would: once as our delta, once as our alpha. It has no dial:
    turned, it is our own rule.
    """

    title: ClassVar[str] = "LYNX calibration"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "probe on graded forced exits"
    guarantee: ClassVar[str] = "per cue only; says nothing about how often a problem is lost"
    source: ClassVar[str] = "2512.05325"
    summary: ClassVar[str] = "our probe, at the threshold that LYNX would choose"

    def outcomes(self, context: Context) -> list[Outcome]:
        sweep = ThresholdSweep(context.probe, Threshold(), context.grid)
        deltas = sorted({context.delta, context.alpha}, reverse=True)
        return per_cue_outcomes(sweep, context, correct, deltas)
