"""Our rule certified at every level: the risk that was asked for, and the risk that came."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.calibration.statistics.intervals import Interval
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.exits.trace import Trace
from probexit.experiments.evaluation.metrics import Metrics
from probexit.experiments.methods.core.context import Context
from probexit.experiments.risk_control.certify import certify_exits

LEVELS = tuple(round(0.005 * step, 3) for step in range(1, 41))  # .5 % to 20 %


@dataclass(frozen=True)
class LevelOutcome:
    """What a certified level gave on the test problems.

    Attributes:
        alpha: The level.
        threshold: The certified threshold; ``inf`` where nothing could be certified.
        risk: Observed risk; its interval is over problems, exact for losses of 0 or 1.
        saved: Share of the thinking tokens saved.
    """

    alpha: float
    threshold: float
    risk: Interval
    saved: Interval


def by_level(context: Context, levels: Sequence[float] = LEVELS) -> list[LevelOutcome]:
    """Certify our rule at each level by itself, and measure it on the test problems.

    No looks are counted: a point says what one certificate at that level would have been.

    Args:
        context: The run.
        levels: Between 0 and 1.

    Raises:
        ValueError: if there are no test problems.
    """
    splits, grid = context.splits, context.grid
    exits = _exits(context, splits.calibrate, grid)
    ruler = Metrics.of(splits.test, context.exit_values)
    found = []
    for alpha in levels:
        calibrator = context.calibrator(alpha)
        made = certify_exits(splits.calibrate, exits, grid, context.loss, calibrator)
        chosen = torch.tensor([made.threshold], dtype=torch.float64)
        left = _exits(context, splits.test, chosen)[:, 0]
        measured = ruler.measure(context.exit_values.trace_results(left.numpy()))
        found.append(LevelOutcome(alpha, made.threshold, measured.risk, measured.saved))
    return found


def _exits(context: Context, traces: Sequence[Trace], grid: Tensor) -> Tensor:
    return exit_table(Threshold(), [context.probe.scores(trace) for trace in traces], grid)
