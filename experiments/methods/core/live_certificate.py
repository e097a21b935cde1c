"""Certify an operating point of a live rule on its own fresh runs, and say what that took.

A rule that changes the text has no place in a recorded trace: the calibration problems are
generated anew under it, from the most careful setting on, until one cannot be certified
(Learn-then-Test, arXiv 2110.01052, fixed-sequence testing). What is lost is counted against the
recorded full run, so at a temperature above 0 it holds what another sample loses by chance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from probexit.calibration.base import Array
from probexit.calibration.certificate import Certificate
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.outcome import Outcome
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.outcome import FreshOutcome, fresh_losses
from probexit.experiments.risk_control.certify import LossTable


@dataclass(frozen=True)
class LiveCertificate:
    """What was certified on fresh runs.

    Attributes:
        label: The operating point; None if none could be certified.
        certificate: The promise, or why there is none.
        tokens: Tokens generated for it.
    """

    label: str | None
    certificate: Certificate
    tokens: int

    def outcome(self, points: Mapping[str, FreshOutcome], n: int) -> Outcome:
        """Return the row, over ``n`` test traces; the full run where nothing was certified."""
        name = f"certified {100 * self.certificate.alpha:g} %"
        none, never = torch.zeros(n, dtype=torch.long), torch.full((n,), NO_EXIT)
        row: Outcome = Outcome(name, never, none, math.inf)
        if self.label is not None:
            label = f"{name}: {self.label}" if self.label else name
            row = replace(points[self.label], label=label)
        return replace(row, certificate=self.certificate, calibration=self.tokens)


def certify_live(
    context: Context,
    names: tuple[str, str],
    bench: LiveEvaluator,
    recipes: Mapping[str, Recipe],
    traces: Sequence[Trace],
) -> LiveCertificate:
    """Generate calibration problems anew and certify the boldest setting that can be.

    Args:
        context: The common risk, and how it is certified.
        names: The rule's name, and its title for the progress bar.
        bench: Generates.
        recipes: By operating point, the most careful first; chosen without these problems.
        traces: Calibration traces, one a problem.

    Raises:
        ValueError: without recipes.
    """
    labels, tokens = list(recipes), 0
    columns: list[Array] = []
    found: Certificate | None = None
    for label in labels:
        results = bench.measure(recipes[label], traces, f"{names[1]} {label}, calibration")
        tokens += sum(r.thinking + r.answer_tokens + r.probing for r in results)
        columns.append(fresh_losses(results, traces, context.loss, bench.task.same))
        found = context.certified_losses(names[0], context.alpha, _table(traces, columns))
        if found.threshold != float(-len(columns)):
            break
    if found is None:
        raise ValueError(f"{names[0]} has no operating point to certify")
    certified = int(-found.threshold) - 1 if found.certified else None
    said = (
        f"{found.statement} {len(columns)} of {len(labels)} settings were tried on {len(traces)} "
        f"problems generated anew, {tokens} tokens, against the recorded full run."
    )
    chosen = None if certified is None else labels[certified]
    return LiveCertificate(chosen, replace(found, statement=said), tokens)


def _table(traces: Sequence[Trace], columns: Sequence[Array]) -> LossTable:
    """Number the settings -1, -2, .. so that the grid falls, strict to lax."""
    grid = -torch.arange(1, len(columns) + 1, dtype=torch.float64)
    return LossTable(tuple(trace.problem for trace in traces), np.stack(columns, 1), grid)


def with_calibration(context: Context) -> Context:
    """Return a context whose test traces are led by the calibration traces to generate anew.

    A rule that routes or prepares each problem then does so for both; the same object each time,
    so that what rules share is made once.
    """
    s = context.splits

    def wider() -> Context:
        return replace(context, splits=Splits(s.fit, s.calibrate, [*drawn(context), *s.test]))

    return context.once("with fresh calibration", wider) if context.fresh else context


def drawn(context: Context) -> list[Trace]:
    """Return the calibration traces that are generated anew: the first of the split."""
    return context.splits.calibrate[: context.fresh]
