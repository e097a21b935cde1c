"""What presets share that decide before any thinking: a probe on the last prompt token's state."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.training import trainable
from probexit.probes.base import Probe
from probexit.probes.logistic import Logistic


def start_of(trace: Trace) -> GradedCues:
    """Return what was recorded before the thinking, one row.

    Raises:
        Unavailable: if nothing was.
    """
    if trace.start is None:
        raise Unavailable("no answer before thinking was recorded: record again")
    return trace.start


def start_states(traces: Sequence[Trace]) -> Tensor:
    """Return the last prompt token's states, all recorded layers concatenated, ``[n, L * d]``."""
    return torch.stack([start_of(trace).hidden[0].float().flatten() for trace in traces])


def start_probe(context: Context, labels: Sequence[bool]) -> Probe:
    """Train a probe on the last prompt token's states.

    Args:
        context: The run.
        labels: What to predict, for each trace of the fit split.

    Raises:
        Unavailable: if there is nothing to learn from.
    """
    traces = context.splits.fit
    if not traces:
        raise Unavailable("it has no traces to learn from: record more problems")
    number = {problem: i for i, problem in enumerate(sorted({t.problem for t in traces}))}
    groups = torch.tensor([number[trace.problem] for trace in traces])
    with trainable():
        return Logistic().fit(start_states(traces), torch.tensor(labels), groups)
