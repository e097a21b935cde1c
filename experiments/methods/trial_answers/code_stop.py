"""Leave when sure of the answer, or unsure for too long (CoDE-Stop, arXiv 2604.04930)."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.signals.confidence_dynamics import ConfidenceDynamics
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule

STEADY = ConfidenceDynamics()


@dataclass(frozen=True)
class CodeStop(ThresholdRule):
    """Exit once confidence reaches a ramp up to ``r_max``, or degeneration reaches ``tau``.

    As published the ramp starts at .9 and takes two steps. The paper tunes tau on 40 held-out
    problems and scales it with the length of the reasoning; we know of no published value, so tau
    is a quantile, over the fit split, of what a whole trace comes to: a tenth of the traces is
    given up. ``r_max = .95`` is our choice. The dial turns both conditions at once, because
    neither alone can make the rule as careful as one likes: its threshold is the log of how many
    times over a condition must be met, so that 0 is the published form.

    Attributes:
        patient: Share of the fit traces that tau would not give up.
        least: Smallest tau: two unstable steps, so that a first doubt is not the end.
    """

    title: ClassVar[str] = "CoDE-Stop"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "probabilities of trial answers so far"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    training: ClassVar[str] = "one number, from ungraded traces"
    guarantee: ClassVar[str] = "risk at most alpha, where certified; none in the published form"
    source: ClassVar[str] = "2604.04930"
    summary: ClassVar[str] = "exits when sure of the answer, or unsure for too long"
    patient: float = 0.9
    least: float = 2.0

    def signal(self, context: Context) -> ConfidenceDynamics:
        ends = [STEADY.degeneration(trace)[-1] for trace in context.splits.fit if len(trace.cues)]
        tau = float(torch.stack(ends).quantile(self.patient)) if ends else self.least
        return ConfidenceDynamics(context.closing, max(tau, self.least))

    def points(self, context: Context) -> dict[str, float]:
        return {"published form": 0.0}
