"""Join exits and calibration: replay the rule as deployed, take its losses, certify a threshold."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from probexit.calibration.base import Calibrator
from probexit.calibration.certificate import Certificate, certify
from probexit.exits.controller import ExitController
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.exits.signals.base import Signal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import require_one_each
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.run import Run, tags_from
from probexit.experiments.risk_control.looks import Question, evidence, look
from probexit.experiments.risk_control.losses.base import Loss


def certify_rule(
    traces: Sequence[Trace],
    rule: tuple[Signal, ExitPolicy],
    grid: Tensor,
    loss: Loss,
    calibrator: Calibrator,
) -> Certificate:
    """Certify a threshold for the first crossing of a signal under a policy.

    Args:
        traces: The calibration split.
        rule: Signal and policy, as deployed.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: How.
    """
    signal, policy = rule
    exits = exit_table(policy, [signal.scores(trace) for trace in traces], grid)
    return certify_exits(traces, exits, grid, loss, calibrator)


def certify_exits(
    traces: Sequence[Trace], exits: Tensor, grid: Tensor, loss: Loss, calibrator: Calibrator
) -> Certificate:
    """Certify a threshold from where it leaves each trace.

    Args:
        traces: The calibration split.
        exits: ``[n, m]`` cue index or ``NO_EXIT``, as ``exit_table`` gives.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: How.

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
    asked: tuple[Path, Question],
) -> Certificate:
    """Certify as ``certify_rule`` does, at what is left of delta after earlier looks.

    Args:
        traces: The calibration split.
        rule: Signal and policy, as deployed.
        grid: ``[m]`` thresholds, strictly decreasing, chosen without these traces.
        loss: What must be controlled.
        calibrator: How, with delta for all looks together. One without a delta promises an average
            over one draw; its looks are neither counted nor paid for.
        asked: The run's log of looks, and the question.
    """
    delta: float | None = getattr(calibrator, "delta", None)
    if delta is None:
        return certify_rule(traces, rule, grid, loss, calibrator)
    exits = exit_table(rule[1], [rule[0].scores(trace) for trace in traces], grid)
    thresholds = grid.double().numpy().astype(np.float64)
    problems = [trace.problem for trace in traces]
    hashed = evidence(problems, loss.table(traces, exits), thresholds, type(calibrator).__name__)
    made = look(*asked, delta, (problems, hashed))
    paid: Any = replace(calibrator, **{"delta": made.spent})
    found = certify_exits(traces, exits, grid, loss, paid)
    return replace(found, statement=f"{found.statement} {made}")


def build_controller(
    run: Run, signal: Signal, certificate: Certificate, details: dict[str, Any]
) -> ExitController:
    """Assemble the controller that a certificate speaks of."""
    manifest = run.manifest
    return ExitController(
        cues=cue_set(manifest.cues),
        signal=signal,
        policy=Threshold(certificate.threshold),
        tags=tags_from(manifest.tags),
        closing=manifest.closing,
        model=Fingerprint(**manifest.fingerprint),
        answer_tokens=manifest.answer_tokens,
        certificate={
            **certificate.as_dict(),
            "model": manifest.model,
            "revision": manifest.revision,
            "task": manifest.task,
            "decoding": manifest.decoding,
            **({"template_args": manifest.template_args} if manifest.template_args else {}),
            **details,
        },
    )
