"""LYNX's per-cue conformal rule as operating points of any probe (arXiv 2512.05325)."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import Label, correct
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import Point, ThresholdSweep


def per_cue_points(
    sweep: ThresholdSweep, traces: Sequence[Trace], safe: Label, deltas: Sequence[float]
) -> list[Point]:
    """Calibrate each level on the pooled cues of some traces.

    The set of a cue is {safe} just when its score reaches the number above the quantile of the
    unsafe ones, so the rule is a threshold.

    Raises:
        Unavailable: if the cues are all safe or all unsafe.
    """
    p = torch.cat([torch.empty(0), *sweep.scores(traces)]).double().numpy()
    right = torch.cat([torch.empty(0, dtype=torch.bool), *(safe(t) for t in traces)]).numpy()
    if right.all() or not right.any():
        raise Unavailable("it needs right and wrong cues to calibrate on: record harder problems")
    return [
        Point(
            f"published {100 * (1 - delta):g} %",
            ClassConditional(delta).calibrate(p, right).threshold,
        )
        for delta in deltas
    ]


def per_cue_outcomes(
    sweep: ThresholdSweep, context: Context, safe: Label, deltas: Sequence[float]
) -> list[Outcome]:
    """Leave the test traces at each level; each row says what the level does not promise."""
    points = per_cue_points(sweep, context.splits.calibrate, safe, deltas)
    found = sweep.outcomes(context.splits.test, points)
    return [
        replace(outcome, note=ClassConditional.promise.format(delta=delta))
        for outcome, delta in zip(found, deltas, strict=True)
    ]


@dataclass(frozen=True)
class PerCueRule(ThresholdRule):
    """A rule whose published points are per-cue conformal levels."""

    guarantee: ClassVar[str] = "per cue as published; risk at most alpha, where certified"

    @abstractmethod
    def deltas(self, context: Context) -> tuple[float, ...]:
        """Return the published levels, lax to strict."""

    def safe(self, trace: Trace) -> torch.Tensor:
        """Tell where stopping is safe, ``[c]`` bool: what the probe is trained to say."""
        return correct(trace)

    def points(self, context: Context) -> dict[str, float]:
        sweep, deltas = self.sweep(context), self.deltas(context)
        found = per_cue_points(sweep, context.splits.calibrate, self.safe, deltas)
        return {point.label: point.threshold for point in found}

    def outcomes(self, context: Context) -> list[Outcome]:
        sweep = self.sweep(context)
        published = per_cue_outcomes(sweep, context, self.safe, self.deltas(context))
        certified = [sweep.certified(context, alpha) for alpha in self.levels(context)]
        return [*published, *sweep.outcomes(context.splits.test, certified)]
