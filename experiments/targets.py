"""What a probe is trained to predict at a cue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.trace import Trace


def correct(trace: Trace) -> Tensor:
    """Tell where the forced answer is right (needs gold; LYNX, arXiv 2512.05325)."""
    return trace.cues.correct


def agrees(trace: Trace) -> Tensor:
    """Tell where the forced answer equals the full run's (no gold; arXiv 2505.18404)."""
    return trace.agrees


def stays(trace: Trace) -> Tensor:
    """Tell where the answer is right and stays right to the end (cumulative; arXiv 2506.02536)."""
    return trace.stays_right()


TARGETS: dict[str, Callable[[Trace], Tensor]] = {
    "correct": correct,
    "agrees": agrees,
    "stays": stays,
}


@dataclass(frozen=True)
class CueTable:
    """All cues of some traces in one table.

    Attributes:
        hidden: ``[n, L, d]`` states at the cues.
        labels: ``[n]`` bool.
        groups: ``[n]`` number of the problem each cue belongs to.
    """

    hidden: Tensor
    labels: Tensor
    groups: Tensor


def cue_table(traces: Sequence[Trace], target: str) -> CueTable:
    """Pool the cues of traces.

    Raises:
        ValueError: on an unknown target, or if no trace has a cue.
    """
    if target not in TARGETS:
        raise ValueError(f"unknown target {target!r}: choose one of {', '.join(TARGETS)}")
    number = {problem: i for i, problem in enumerate(sorted({t.problem for t in traces}))}
    with_cues = [trace for trace in traces if len(trace.cues)]
    if not with_cues:
        raise ValueError(
            f"none of the {len(traces)} traces has a cue: record with another --cues "
            "(see `probexit list cues`)"
        )
    groups = [torch.full((len(t.cues),), number[t.problem]) for t in with_cues]
    return CueTable(
        torch.cat([trace.cues.hidden for trace in with_cues]),
        torch.cat([TARGETS[target](trace) for trace in with_cues]),
        torch.cat(groups),
    )
