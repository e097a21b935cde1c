"""Join exits and calibration: replay the rule as deployed, take its losses, certify a threshold."""

from collections.abc import Sequence
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
from probexit.experiments.cues import cue_set
from probexit.experiments.losses.base import Loss
from probexit.experiments.recording.run import Run, tags_from


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
    """
    return certify(calibrator, loss.table(traces, exits), grid.double().numpy().astype(np.float64))


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
            **details,
        },
    )
