"""What presets on hidden states share: which layers there are, and training on the fit split."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import Label, pooled, problem_numbers
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.probes.base import Probe
from probexit.probes.discriminant import Discriminant
from probexit.probes.features import select_layers
from probexit.probes.sequence.base import SequenceProbe
from probexit.probes.sweep import sweep

P = TypeVar("P", bound=Probe)
S = TypeVar("S", bound=SequenceProbe)
Layers = tuple[int, ...]


def recorded_layers(context: Context) -> Layers:
    """Return the layers that the traces hold, in order.

    Raises:
        Unavailable: if the run's own probe does not know them.
    """
    layers: Layers = getattr(context.probe, "recorded", ())
    if not layers:
        raise Unavailable(
            "which layers were recorded is not known: record hidden states and fit a probe"
        )
    return layers


def last_layer(context: Context) -> Layers:
    """Return the last recorded layer alone."""
    return (max(recorded_layers(context)),)


def best_layers(context: Context, count: int, label: Label, states: Label) -> Layers:
    """Return the layers that tell a label best, each on its own, in the order of the model.

    By cross-validated AUROC of a discriminant on the fit split; all layers, if there are no more.

    Args:
        context: The run.
        count: How many.
        label: What to predict at each cue of a trace, ``[c]``.
        states: Where from: ``at_cue`` or ``of_step``.

    Raises:
        Unavailable: if there is nothing to learn from.
    """
    recorded = recorded_layers(context)
    if len(recorded) <= count:
        return recorded
    with trainable():
        table = pooled(context.splits.fit, label, states)
        found = sweep(Discriminant, table.states, table.labels, table.groups)
    ranked = sorted(found.rows, key=lambda row: -row.auroc)[:count]
    return tuple(sorted(recorded[row.layers[0]] for row in ranked))


def at_cue(trace: Trace) -> Tensor:
    """Return the states of the cue tokens, ``[c, L, d]``."""
    return trace.cues.hidden


def of_step(trace: Trace) -> Tensor:
    """Return the mean states of the steps that end at the cues, ``[c, L, d]``."""
    return trace.cues.step_hidden


def trained(probe: P, context: Context, label: Label, states: Label, at: Layers) -> P:
    """Train a probe on all cues of the fit split.

    Args:
        probe: Not fitted yet.
        context: The run.
        label: What to predict at each cue of a trace, ``[c]``.
        states: Where from: ``at_cue`` or ``of_step``.
        at: Layers, concatenated in this order.

    Raises:
        Unavailable: if there is nothing to learn from.
    """
    with trainable():
        table = pooled(context.splits.fit, label, states)
        X = table.states.select(_indices(context, at))
        return probe.fit(X, table.labels, table.groups)


def trained_in_order(probe: S, context: Context, label: Label, states: Label, at: Layers) -> S:
    """Train a sequence probe on the thinkings of the fit split; arguments as for ``trained``."""
    traces, number = context.splits.fit, problem_numbers(context.splits.fit)
    layers = _indices(context, at)
    read: Callable[[Trace], Tensor] = lambda trace: select_layers(states(trace), layers)  # noqa: E731
    with trainable():
        return probe.fit(
            [read(trace) for trace in traces],
            [label(trace) for trace in traces],
            torch.tensor([number[trace.problem] for trace in traces]),
        )


@contextmanager
def trainable() -> Iterator[None]:
    """Turn what a probe says of its training data into the reason why a preset is left out."""
    try:
        yield
    except Unavailable:
        raise
    except ValueError as why:
        raise Unavailable(f"it cannot be trained here ({why}): record more problems") from why


def _indices(context: Context, at: Layers) -> list[int]:
    recorded = recorded_layers(context)
    return [recorded.index(layer) for layer in at]
