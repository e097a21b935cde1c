"""LYNX's per-cue conformal rule as published (arXiv 2512.05325), on this run's probe."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from probexit.calibration.base import Array, Bools
from probexit.calibration.class_conditional import ClassConditional, CueRule
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.methods.base import Family, Method, Unavailable
from probexit.experiments.methods.context import Context
from probexit.experiments.methods.outcome import Outcome


@dataclass(frozen=True)
class Lynx(Method):
    """Exit at the first cue whose class-conditional conformal set is {safe}.

    Its confidence is read as a user would: once as our delta, once as our alpha. The probe is the
    one that our own rule uses, so that only the calibration differs.
    """

    title: ClassVar[str] = "LYNX"
    family: ClassVar[Family] = Family.HIDDEN
    reads: ClassVar[str] = "hidden states"
    training: ClassVar[str] = "probe on graded forced exits"
    guarantee: ClassVar[str] = "per cue only; says nothing about how often a problem is lost"
    source: ClassVar[str] = "2512.05325"
    summary: ClassVar[str] = "exits at the first cue that conformal prediction calls safe"

    def outcomes(self, context: Context) -> list[Outcome]:
        p, safe = _pooled(context)
        if safe.all() or not safe.any():
            raise Unavailable(
                "it needs right and wrong cues to calibrate on: record harder problems"
            )
        deltas = sorted({context.delta, context.alpha}, reverse=True)
        return [_outcome(context, delta, p, safe) for delta in deltas]


def _outcome(context: Context, delta: float, p: Array, safe: Bools) -> Outcome:
    found = ClassConditional(delta)
    rule = found.calibrate(p, safe)
    exits = torch.tensor([_first(context, rule, trace) for trace in context.splits.test])
    note = ClassConditional.promise.format(delta=delta)
    label = f"published {100 * (1 - delta):g} %"
    return Outcome(label, exits, torch.zeros_like(exits), rule.tau, None, note)


def _pooled(context: Context) -> tuple[Array, Bools]:
    """Pool the calibration cues: score and whether the forced answer was right."""
    traces = context.splits.calibrate
    scores = [context.probe.scores(trace).double().numpy() for trace in traces]
    right = [trace.cues.correct.numpy() for trace in traces]
    return np.concatenate(scores), np.concatenate(right)


def _first(context: Context, rule: CueRule, trace: Trace) -> int:
    # in double precision: a score equal to q_neg does not exit, which float32 could not tell
    accepted = rule.exits(context.probe.scores(trace).double().numpy())
    return int(accepted.argmax()) if accepted.any() else NO_EXIT
