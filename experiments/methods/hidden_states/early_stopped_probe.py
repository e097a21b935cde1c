"""A probe whose training epoch is chosen by the problems that certify it (arXiv 2301.11556)."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from probexit.calibration.early_stopping import EpochRule
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exit_table
from probexit.exits.signals.base import Signal
from probexit.experiments.fitting.epochs import EPOCHS, Epochs, train_epochs
from probexit.experiments.fitting.targets import correct
from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.core.training import (
    at_cue,
    best_layers,
    recorded_layers,
    trainable,
)
from probexit.experiments.risk_control.early_stopping import margin, stop_early
from probexit.probes.mlp import MLP


@dataclass(frozen=True)
class EarlyStoppedProbe(Method):
    """Exit where every epoch that one more problem could crown scores above its conformal bound.

    As published but for what an unfinished trace cannot know: the paper selects with the new
    point's own loss; here all epochs that it could select must agree, which is valid and somewhat
    stricter. The unit is the problem. ``best epoch`` is the paper's naive re-use, one epoch chosen
    and calibrated on the same problems, which promises nothing exactly.

    Attributes:
        epochs: How many are trained and kept.
    """

    title: ClassVar[str] = "probe, stopped early"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "MLP on graded forced exits, every epoch kept"
    guarantee: ClassVar[str] = "risk at most alpha on average, where certified; none elsewhere"
    source: ClassVar[str] = "2301.11556"
    summary: ClassVar[str] = "exits where all epochs in play agree"
    epochs: int = EPOCHS

    def outcomes(self, context: Context) -> list[Outcome]:
        epochs = context.once(self, lambda: self._trained(context))
        traces = context.splits.calibrate
        rule, chosen = stop_early(epochs, traces, context.loss, context.alpha)
        certificate, level = rule.certificate, f"{100 * context.alpha:g} %"
        best = margin(epochs, EpochRule(chosen.epochs[:1], chosen.bounds[:1]))
        return [
            _left(context, best, certificate.threshold, f"best epoch, {level}"),
            replace(
                _left(context, rule.signal, certificate.threshold, f"certified {level}"),
                certificate=certificate,
            ),
        ]

    def _trained(self, context: Context) -> Epochs:
        layers = best_layers(context, 1, correct, at_cue), recorded_layers(context)
        with trainable():
            return train_epochs(MLP(), context.splits.fit, layers, self.epochs)


def _left(context: Context, signal: Signal, threshold: float, label: str) -> Outcome:
    """Leave the test traces."""
    traces = context.splits.test
    grid = torch.tensor([threshold], dtype=torch.float64)
    exits = exit_table(Threshold(), [signal.scores(trace) for trace in traces], grid)[:, 0]
    return Outcome(label, exits, torch.zeros(len(traces), dtype=torch.long), threshold)
