"""Join exits and calibration: replay the rule as deployed, take its losses, certify a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from probexit.calibration.base import Array, Calibrator
from probexit.calibration.certificate import Certificate, certify
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.replay import NO_EXIT, exit_table
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import require_one_each
from probexit.experiments.risk_control.certified_rule import CertifiedRule
from probexit.experiments.risk_control.looks import Ask, evidence
from probexit.experiments.risk_control.losses.base import Loss


def certify_rule(
    traces: Sequence[Trace],
    rule: tuple[Signal, ExitPolicy],
    grid: Tensor,
    loss: Loss,
    calibrator: Calibrator,
) -> CertifiedRule:
    """Certify a threshold for the first crossing of a signal under a policy.

    Returns:
        The rule at that threshold (``inf``: it never leaves) with its certificate.

    Args:
        traces: The calibration split.
        rule: Signal and policy, as deployed.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: What chooses the threshold.
    """
    exits = _exits(traces, rule, grid)
    return _at(traces, rule, exits, certify_exits(traces, exits, grid, loss, calibrator), grid)


def certify_exits(
    traces: Sequence[Trace], exits: Tensor, grid: Tensor, loss: Loss, calibrator: Calibrator
) -> Certificate:
    """Certify a threshold from where it leaves each trace.

    Args:
        traces: The calibration split.
        exits: ``[n, m]`` cue index or ``NO_EXIT``, as ``exit_table`` gives.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: What chooses the threshold.

    Raises:
        ValueError: if a problem has several traces.
    """
    require_one_each(traces)
    return certify(calibrator, loss.table(traces, exits), grid.double().numpy().astype(np.float64))


def certify_look(
    traces: Sequence[Trace],
    rule: tuple[Signal, ExitPolicy],
    grid: Tensor,
    loss: Loss,
    calibrator: Calibrator,
    ask: Ask,
) -> CertifiedRule:
    """Certify as ``certify_rule`` does, at what is left of delta after earlier looks.

    Args:
        traces: The calibration split.
        rule: Signal and policy, as deployed.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: What chooses the threshold, with delta for all looks together. One without a
            delta promises an average over one draw; its looks are neither counted nor paid for.
        ask: Says which look at the question this is.
    """
    exits = _exits(traces, rule, grid)
    found = certify_paid(traces, exits, grid, loss, calibrator, ask)
    return _at(traces, rule, exits, found, grid)


def certify_paid(
    traces: Sequence[Trace],
    exits: Tensor,
    grid: Tensor,
    loss: Loss,
    calibrator: Calibrator,
    ask: Ask,
) -> Certificate:
    """Certify as ``certify_exits`` does, at what the look may spend of the calibrator's delta.

    Arguments as for ``certify_look``; ``exits [n, m]``.
    """
    require_one_each(traces)
    table = LossTable(tuple(trace.problem for trace in traces), loss.table(traces, exits), grid)
    return table.certify(calibrator, ask)


@dataclass(frozen=True)
class LossTable:
    """What is lost on each calibration problem at each operating point.

    Attributes:
        problems: ``n`` ids, each once.
        losses: ``[n, m]`` in [0, 1], strict to lax.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these problems.
    """

    problems: tuple[str, ...]
    losses: Array
    grid: Tensor

    def certify(self, calibrator: Calibrator, ask: Ask | None = None) -> Certificate:
        """Choose an operating point; with ``ask``, at what this look may spend of delta."""
        thresholds = self.grid.double().numpy().astype(np.float64)
        delta: float | None = getattr(calibrator, "delta", None)
        if ask is None or delta is None:
            return certify(calibrator, self.losses, thresholds)
        hashed = evidence(self.problems, self.losses, thresholds, type(calibrator).__name__)
        made = ask(delta, self.problems, hashed)
        paid: Any = replace(calibrator, **{"delta": made.spent})
        found = certify(paid, self.losses, thresholds)
        return replace(found, statement=f"{found.statement} {made}")


def _exits(traces: Sequence[Trace], rule: tuple[Signal, ExitPolicy], grid: Tensor) -> Tensor:
    signal, policy = rule
    return exit_table(policy, [signal.scores(trace) for trace in traces], grid)


def _at(
    traces: Sequence[Trace],
    rule: tuple[Signal, ExitPolicy],
    exits: Tensor,
    certificate: Certificate,
    grid: Tensor,
) -> CertifiedRule:
    """Put a rule at its certified threshold, with what deciding costs there."""
    signal, policy = rule
    at = replace(policy, threshold=certificate.threshold)
    columns = (grid.double() == certificate.threshold).nonzero().flatten().tolist()
    left = exits[:, columns[0]].tolist() if columns else []
    spent = [
        float(signal.cost(trace)[: len(trace.cues) if cue == NO_EXIT else cue + 1].sum())
        for trace, cue in zip(traces, left, strict=False)
    ]
    probing = float(np.mean(spent)) if spent else 0.0
    return CertifiedRule(signal, at, certificate, probing, saved_share(traces, left))


def saved_share(traces: Sequence[Trace], left: Sequence[int]) -> float:
    """Return the share of the traces' thinking tokens behind where they were left."""
    whole = sum(trace.thinking for trace in traces)
    unwritten = sum(
        trace.thinking - trace.thinking_at(cue)
        for trace, cue in zip(traces, left, strict=False)
        if cue != NO_EXIT
    )
    return unwritten / whole if whole else 0.0
