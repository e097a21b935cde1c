"""Several rollouts of a problem: what seeds each, and which one stands for its problem."""

import hashlib
from collections.abc import Sequence

from probexit.exits.trace import Trace


def rollout_key(number: int, rollout: int) -> int:
    """Return what seeds the sampling of a rollout, the same in any company.

    Rollout 0 has the number of its problem in the task, so that a recording of several rollouts
    begins with the traces of a recording of one. Later ones have 64 bits of a hash of both numbers.
    """
    if rollout == 0:
        return number
    digest = hashlib.sha256(f"problem {number}, rollout {rollout}".encode()).digest()
    return int.from_bytes(digest[:8])


def by_problem(traces: Sequence[Trace]) -> dict[str, tuple[Trace, ...]]:
    """Return all traces of each problem, by problem, in the order of the traces."""
    found: dict[str, list[Trace]] = {}
    for trace in traces:
        found.setdefault(trace.problem, []).append(trace)
    return {problem: tuple(rollouts) for problem, rollouts in found.items()}


def one_each(traces: Sequence[Trace]) -> list[Trace]:
    """Return the first trace of each problem: rollouts of one problem are not independent."""
    return [rollouts[0] for rollouts in by_problem(traces).values()]
