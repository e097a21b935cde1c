"""Leave at random as often as the probe does: what is saved without knowing anything."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT
from probexit.exits.signals.base import Signal
from probexit.exits.signals.random_score import RandomScore
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep


@dataclass(frozen=True)
class RandomExit(ThresholdRule):
    """Draw a number at each cue; the threshold makes as many calibration traces exit as ours."""

    title: ClassVar[str] = "random exit"
    family: ClassVar[MethodFamily] = MethodFamily.BLIND
    reads: ClassVar[str] = "nothing"
    summary: ClassVar[str] = "exits at random, on as many problems as the probe"

    def signal(self, context: Context) -> Signal:
        return RandomScore(context.seed)

    def points(self, context: Context) -> dict[str, float]:
        signal, wanted = self.signal(context), _exits_of_ours(context)
        largest = [float(signal.scores(t).max()) for t in context.splits.calibrate if len(t.cues)]
        return {"as often as probe": sorted(largest)[-wanted] if wanted else float("inf")}

    def levels(self, context: Context) -> tuple[float, ...]:
        return ()


def _exits_of_ours(context: Context) -> int:
    """Count the calibration traces that our rule leaves early at the common risk."""
    sweep = ThresholdSweep(context.probe, Threshold(), context.grid)
    threshold = sweep.certified(context, context.alpha).threshold
    exits = sweep.exits(context.splits.calibrate, torch.tensor([threshold], dtype=torch.float64))
    return int((exits != NO_EXIT).sum())
