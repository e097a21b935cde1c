"""Certify a probe's training epoch with the problems that choose it.

Conformalised early stopping (arXiv 2301.11556) where the score is of a problem: the largest score
at a cue where leaving loses. The loss that chooses the epoch is of a problem, too: the Brier score,
averaged over its cues. Cues pooled over problems would not be exchangeable.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from probexit.calibration.base import Array
from probexit.calibration.certificate import Certificate
from probexit.calibration.early_stopping import CertifiedStopping, EpochRule
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.exits.signals.epoch_margin import ABOVE, EpochMargin
from probexit.exits.trace import Trace
from probexit.experiments.fitting.epochs import Epochs
from probexit.experiments.fitting.splits import require_one_each
from probexit.experiments.risk_control.certified_rule import CertifiedRule
from probexit.experiments.risk_control.certify import saved_share
from probexit.experiments.risk_control.losses.base import Loss

PROMISE = (
    "A new problem loses with probability at most {alpha:g}, on average over calibration draws and "
    "new problems, though the same {n} problems chose the epoch: {count} of {epochs} epochs, those "
    "that one more problem could make the best, must agree (conformalised early stopping). Assumes "
    "that calibration and new problems are exchangeable, under one decoding policy."
)
REFUSED = (
    "Nothing certified: think on (never exit). A level of {alpha:g} takes {least:g} problems, "
    "{more:g} more."
)


def tables(epochs: Epochs, traces: Sequence[Trace], loss: Loss) -> tuple[Array, Array]:
    """Return the largest score where leaving loses, and the selection loss, ``[n, epochs]`` each.

    ``-inf`` where no cue of a problem loses; the selection loss of one without cues is 0.
    """
    unsafe = np.full((len(traces), len(epochs.probes)), -np.inf)
    selection = np.zeros_like(unsafe)
    for i, (trace, scores) in enumerate(zip(traces, epochs.scores(traces), strict=True)):
        losing = scores[loss.at_cues(trace) > 0]
        if len(losing):
            unsafe[i] = losing.amax(0).double().numpy()
        if len(scores):
            right = trace.cues.correct.double()[:, None]
            selection[i] = (scores.double() - right).square().mean(0).numpy()
    return unsafe, selection


def stop_early(
    epochs: Epochs, traces: Sequence[Trace], loss: Loss, alpha: float
) -> tuple[CertifiedRule, EpochRule]:
    """Choose the epochs in play and their bounds on problems that trained none of them.

    Args:
        epochs: The probe by epochs.
        traces: The calibration split, one trace a problem.
        loss: What must be controlled: leaving loses where it is above 0.
        alpha: The chance that a new problem loses.

    Raises:
        ValueError: if a problem has several traces, or there is none.
    """
    require_one_each(traces)
    rule = CertifiedStopping(alpha).choose(*tables(epochs, traces, loss))
    signal = margin(epochs, rule)
    threshold = ABOVE if max(rule.bounds) < math.inf else math.inf
    grid = torch.tensor([threshold], dtype=torch.float64)
    exits = exit_table(Threshold(), [signal.scores(trace) for trace in traces], grid)
    made = Certificate(
        threshold=threshold,
        alpha=alpha,
        delta=None,
        n=len(traces),
        losses=float(loss.table(traces, exits).sum()),
        calibrator=CertifiedStopping.__name__,
        statement=_statement(rule, len(traces), alpha, len(epochs.probes)),
        problems=max(len(traces), _least(alpha)),
    )
    saved = saved_share(traces, exits[:, 0].tolist())
    return CertifiedRule(signal, Threshold(threshold), made, 0.0, saved), rule


def margin(epochs: Epochs, rule: EpochRule) -> EpochMargin:
    """Return a rule over epochs as a signal, above 0 where it leaves."""
    probes = tuple(epochs.probes[epoch] for epoch in rule.epochs)
    return EpochMargin(probes=probes, bounds=rule.bounds, at=epochs.at, recorded=epochs.recorded)


def _least(alpha: float) -> int:
    """Return the fewest problems with which a bound at this level is finite."""
    return math.ceil(1 / alpha - 1 - 1e-9)


def _statement(rule: EpochRule, n: int, alpha: float, epochs: int) -> str:
    if max(rule.bounds) == math.inf:
        return REFUSED.format(alpha=alpha, least=_least(alpha), more=_least(alpha) - n)
    return PROMISE.format(alpha=alpha, n=n, count=len(rule.epochs), epochs=epochs)
