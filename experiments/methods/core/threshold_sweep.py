"""A rule whose threshold can be turned: what is replayed, certified and drawn as a curve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probexit.calibration.certificate import Certificate
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.replay import NO_EXIT, exit_table
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.accounting import ExitValues, TraceResults
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome


@dataclass(frozen=True)
class Point:
    """An operating point: a threshold, by a name, and what is promised there."""

    label: str
    threshold: float
    certificate: Certificate | None = None


@dataclass(frozen=True)
class ThresholdSweep:
    """Leave at the first cue where the policy is satisfied with the signal.

    Attributes:
        signal: What is measured at a cue.
        policy: When to leave; its threshold is replaced.
        grid: ``[m]`` thresholds, strict to lax, chosen without the calibration split.
        name: The rule's name.
    """

    signal: Signal
    policy: ExitPolicy
    grid: Tensor
    name: str = "probe"
    _known: dict[int, tuple[Trace, Tensor]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def scores(self, traces: Sequence[Trace]) -> list[Tensor]:
        """Return the signal's scores of each trace, ``[c_i]``; measured once per trace."""
        for trace in traces:
            if id(trace) not in self._known:  # the trace is kept with it: no other gets its id
                self._known[id(trace)] = (trace, self.signal.scores(trace))
        return [self._known[id(trace)][1] for trace in traces]

    def certified(self, context: Context, alpha: float) -> Point:
        """Certify a threshold of the grid at risk ``alpha`` on the calibration split."""
        exits = self.exits(context.splits.calibrate, self.grid)
        found = context.certified(self.name, alpha, exits, self.grid)
        return Point(f"certified {100 * alpha:g} %", found.threshold, found)

    def exits(self, traces: Sequence[Trace], thresholds: Tensor) -> Tensor:
        """Return where each trace is left at each of ``m`` thresholds, ``[n, m]``."""
        return exit_table(self.policy, self.scores(traces), thresholds)

    def probing(self, traces: Sequence[Trace], exits: Tensor) -> Tensor:
        """Return what was decoded to decide: at each cue up to and with the exit, ``[n, m]``."""
        most = max((len(trace.cues) for trace in traces), default=0)
        spent = torch.zeros(len(traces), most + 1, dtype=torch.long)
        for row, trace in zip(spent, traces, strict=True):
            row[: len(trace.cues)] = self.signal.cost(trace)
        # a trace that is not left pays at all of its cues; one without cues pays nothing
        return spent.cumsum(1).gather(1, torch.where(exits == NO_EXIT, most, exits))

    def trace_results(self, traces: Sequence[Trace], exit_values: ExitValues) -> TraceResults:
        """Count what every threshold of the grid gives on traces, by their ledger: ``[n, m]``."""
        exits = self.exits(traces, self.grid)
        return exit_values.trace_results(
            exits.numpy(), self.probing(traces, exits).double().numpy()
        )

    def outcomes(self, traces: Sequence[Trace], points: Sequence[Point]) -> list[Outcome]:
        """Leave the traces at some operating points."""
        thresholds = torch.tensor([point.threshold for point in points], dtype=torch.float64)
        exits = self.exits(traces, thresholds)
        probing = self.probing(traces, exits)
        # A threshold that is never reached would not be deployed, so nothing is decoded for it.
        probing[:, thresholds == math.inf] = 0
        return [
            Outcome(p.label, exits[:, j], probing[:, j], p.threshold, p.certificate)
            for j, p in enumerate(points)
        ]


def whole_numbers(traces: Sequence[Trace], least: int) -> Tensor:
    """Return each count from the most cues of any trace, or ``least`` if more, down to 1: ``[m]``.

    Unlike ``policy_grid`` it does not need a score that was reached, and never offers 0, at which a
    rule would exit before it had anything to count.
    """
    most = max((len(trace.cues) for trace in traces), default=0)
    return torch.arange(max(most, least), 0, -1, dtype=torch.float32)
