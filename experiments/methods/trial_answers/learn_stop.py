"""Leave once a probe on visible features calls the trial answer right (LearnStop, 2606.30852)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from probexit.calibration.base import Array
from probexit.calibration.learn_then_test import LearnThenTest
from probexit.calibration.statistics.multiple_testing import Bonferroni
from probexit.calibration.statistics.p_values import PValue
from probexit.exits.signals.prefix_probe import PrefixProbe, prefix_features
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.threshold_rule import ThresholdRule
from probexit.experiments.methods.core.threshold_sweep import Point
from probexit.experiments.risk_control.certify import certify_exits
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class HoeffdingTail(PValue):
    """Hoeffding's tail ``exp(-2 n (alpha - R)^2)``, for losses in [0, 1]: the paper's test.

    At ``p <= delta / K`` it says ``R + sqrt(ln(K / delta) / 2n) <= alpha``.
    """

    def of(self, losses: Array, alpha: float) -> Array:
        gap = np.maximum(alpha - losses.mean(axis=0), 0.0)
        return np.asarray(np.exp(-2 * len(losses) * gap**2), dtype=np.float64)


@dataclass(frozen=True)
class LearnStop(ThresholdRule):
    """Exit once a logistic regression on eight visible features calls the trial answer right.

    As in the paper the penalty is C = 1 and the label is whether the answer at the cue is right.
    The paper scores its training problems by five-fold cross-validation grouped by problem; here
    fit, calibration and test problems are different ones, so one fit serves. Its checkpoints are
    fixed budgets and its trial answers have up to 48 tokens; here they are the run's.

    Besides our certificate it gets the paper's own, Hoeffding's bound and a union over the grid of
    K thresholds: ``R + sqrt(ln(K / delta) / 2n) <= alpha``, also at the paper's alpha, .15. It is
    valid too, but takes many more problems.

    Attributes:
        published: The paper's alpha.
        thresholds: K.
    """

    title: ClassVar[str] = "LearnStop"
    family: ClassVar[MethodFamily] = MethodFamily.TRIAL
    reads: ClassVar[str] = "trial answers, their probabilities, thinking text"
    cost: ClassVar[str] = "closing text and a trial answer at every cue"
    training: ClassVar[str] = "logistic regression on graded forced exits"
    guarantee: ClassVar[str] = "risk at most alpha with confidence 1 - delta, per problem"
    source: ClassVar[str] = "2606.30852"
    summary: ClassVar[str] = "exits once visible features say the trial answer is right"
    published: float = 0.15
    thresholds: int = 20

    def signal(self, context: Context) -> PrefixProbe:
        traces = [trace for trace in context.splits.fit if len(trace.cues)]
        right = torch.tensor([ok for trace in traces for ok in trace.cues.correct.tolist()])
        if right.all() or not right.any():
            raise Unavailable("it needs right and wrong cues to learn from: record harder problems")
        X = torch.cat([prefix_features(trace, PrefixProbe.markers) for trace in traces])
        probe = Logistic(C=1.0).fit(X, right)
        return PrefixProbe(context.closing, probe=probe)

    def outcomes(self, context: Context) -> list[Outcome]:
        alphas = sorted({context.alpha, self.published})
        points = [self._union_bound(context, alpha) for alpha in alphas]
        sweep = self.sweep(context)
        return [*super().outcomes(context), *sweep.outcomes(context.splits.test, points)]

    def _union_bound(self, context: Context, alpha: float) -> Point:
        sweep, traces = self.sweep(context), context.splits.calibrate
        few = _every_so_many(sweep.grid, self.thresholds)
        calibrator = LearnThenTest(alpha, context.delta, HoeffdingTail(), Bonferroni())
        exits = sweep.exits(traces, few)
        found = certify_exits(traces, exits, few, context.loss, calibrator)
        return Point(f"union bound {100 * alpha:g} %", found.threshold, found)


def _every_so_many(grid: Tensor, size: int) -> Tensor:
    """Choose at most ``size`` of the thresholds ``[m]``, evenly by their place."""
    places = torch.linspace(0, len(grid) - 1, size).round().long()
    return grid[sorted(set(places.tolist()))]
