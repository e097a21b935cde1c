"""Certify a new threshold from the audited requests of a decision log: no gold answer needed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from probexit.calibration.base import Array, Calibrator, ConfidentCalibrator
from probexit.calibration.certificate import Certificate, certify
from probexit.exits.controller import ExitController
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.production.audit import EVEN
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision
from probexit.exits.replay import NO_EXIT, exit_table
from probexit.experiments.risk_control.looks import Ask, evidence


def of_controller(decisions: Sequence[Decision], controller: ExitController) -> list[Decision]:
    """Keep the lines that a controller wrote; of a request that came again, the first.

    Raises:
        ValueError: if there are none.
    """
    name = digest(controller)
    found = {d.request: d for d in reversed(decisions) if d.controller == name}
    if not found:
        others = sorted({decision.controller for decision in decisions})
        raise ValueError(f"the log holds no line of controller {name}, only of {others}")
    return [d for d in decisions if found.get(d.request) is d]


def audited_losses(
    decisions: Sequence[Decision], policy: ExitPolicy, grid: Sequence[float] = EVEN
) -> Array:
    """Return ``[n audited, m]``: 1 where a threshold's exit answers unlike the full run.

    Raises:
        ValueError: if nothing was audited, or the audit was made for another grid.
    """
    audits = [(d.scores, d.audit) for d in decisions if d.audit is not None]
    if not audits:
        raise ValueError("no request of the log was audited: serve with an audit rate above 0")
    scores = [torch.tensor(one, dtype=torch.float64) for one, _ in audits]
    exits = exit_table(policy, scores, torch.tensor(grid, dtype=torch.float64))
    losses = np.zeros(tuple(exits.shape))
    for row, (left, (seen, agrees)) in enumerate(zip(exits.numpy(), audits, strict=True)):
        if not {*left[left != NO_EXIT].tolist()} <= {*agrees}:
            raise ValueError("the log was audited for another grid: give the one it was made for")
        # the last place is the full run, which agrees with itself
        differs = np.array([not agrees.get(cue, True) for cue in range(len(seen))] + [False])
        losses[row] = differs[left]
    return losses


def recalibrate(
    decisions: Sequence[Decision],
    policy: ExitPolicy,
    calibrator: Calibrator,
    grid: Sequence[float] = EVEN,
) -> Certificate:
    """Certify a threshold on the audited requests of a log.

    The loss is ``inconsistent``: the exit answers unlike the full run. Requests are audited by a
    hash of their id, so the audited are a fair sample of all that came. The promise is for one
    look at the log: decide beforehand when to look, or use ``recalibrate_look``.
    """
    losses = audited_losses(decisions, policy, grid)
    return certify(calibrator, losses, np.array(grid, dtype=np.float64))


def recalibrate_look(
    decisions: Sequence[Decision],
    policy: ExitPolicy,
    calibrator: Calibrator,
    ask: Ask,
    grid: Sequence[float] = EVEN,
) -> Certificate:
    """Certify as ``recalibrate`` does, at what is left of delta after earlier looks at the log."""
    if not isinstance(calibrator, ConfidentCalibrator):
        return recalibrate(decisions, policy, calibrator, grid)
    requests = [decision.request for decision in decisions if decision.audit is not None]
    losses = audited_losses(decisions, policy, grid)
    thresholds = np.array(grid, dtype=np.float64)
    hashed = evidence(requests, losses, thresholds, type(calibrator).__name__)
    made = ask(calibrator.delta, requests, hashed)
    found = certify(replace(calibrator, delta=made.spent), losses, thresholds)
    return replace(found, statement=f"{found.statement} {made}")


def recalibrated(controller: ExitController, certificate: Certificate, log: str) -> ExitController:
    """Return the controller at the certified threshold, with its new promise."""
    details = {"loss": "inconsistent", "task": f"audited requests of {log}"}
    promise = controller.certificate | certificate.as_dict() | details
    moved = controller.with_threshold(certificate.threshold)
    return replace(moved, certificate=promise)
