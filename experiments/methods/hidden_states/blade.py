"""BLADE (arXiv 2607.28966): labels from unanimous sampled answers, four layers, two accepts."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.policies.patience import Patience
from probexit.exits.signals.base import Signal
from probexit.exits.signals.probe import ProbeSignal
from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import unanimous
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.per_cue_conformal import PerCueRule
from probexit.experiments.methods.core.training import (
    at_cue,
    best_layers,
    recorded_layers,
    trained,
)
from probexit.probes.mlp import MLP


@dataclass(frozen=True)
class Blade(PerCueRule):
    """Exit after two cues in a row that the conformal rule of LYNX calls safe.

    Safe means that all sampled forced answers are right (16 in the paper; as many as were
    recorded). Known from a summary only: there, sentences need two accepts and words of self-doubt
    one; a recording does not say which cue is which, so here all need two. How the paper chooses
    its four layers is not known; here by cross-validated AUROC of each alone, with a discriminant.

    Attributes:
        layers: How many layers are concatenated; all if fewer were recorded.
        levels_per_cue: The laxest and the strictest of the published levels.
        patience: Accepts in a row.
    """

    title: ClassVar[str] = "BLADE"
    family: ClassVar[MethodFamily] = MethodFamily.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "MLP on sampled, graded forced exits"
    source: ClassVar[str] = "2607.28966"
    summary: ClassVar[str] = "exits after two cues that conformal prediction calls safe"
    layers: int = 4
    levels_per_cue: tuple[float, ...] = (0.01, 0.002)
    patience: int = 2

    def signal(self, context: Context) -> Signal:
        if any(
            t.cues.sampled_right is None for t in (*context.splits.fit, *context.splits.calibrate)
        ):
            raise Unavailable("no sampled answers: record with --answer-samples 16")
        at = best_layers(context, self.layers, unanimous, at_cue)
        probe = trained(MLP(), context, unanimous, at_cue, at)
        return ProbeSignal(probe=probe, at=at, recorded=recorded_layers(context))

    def policy(self, context: Context) -> ExitPolicy:
        return Patience(patience=self.patience)

    def safe(self, trace: Trace) -> Tensor:
        return unanimous(trace)

    def deltas(self, context: Context) -> tuple[float, ...]:
        return self.levels_per_cue
