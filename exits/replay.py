"""Replay an exit rule over recorded traces: the same policies, on arrays, in seconds."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy

NO_EXIT = -1


def exit_table(policy: ExitPolicy, scores: Sequence[Tensor], grid: Tensor) -> Tensor:
    """Find the cue at which each trace leaves, at each threshold.

    Args:
        policy: The policy; its own threshold is not looked at.
        scores: One ``[c_i]`` score vector per trace.
        grid: ``[m]`` thresholds.

    Returns:
        ``[n, m]`` index of the first cue where the policy exits; ``NO_EXIT`` if it never does.
    """
    highest = crossings(policy, scores).cummax(1).values  # what was left once is left
    # the lowest number that is one keeps a threshold of -inf from leaving where no threshold does
    wanted = grid.double().clamp(min=torch.finfo(torch.float64).min).expand(len(scores), -1)
    table = torch.searchsorted(highest, wanted.contiguous())
    table[table == highest.shape[1]] = NO_EXIT
    return table


def crossings(policy: ExitPolicy, scores: Sequence[Tensor]) -> Tensor:
    """Return each trace's crossing threshold at each cue, ``[n, most cues]``; ``-inf`` for none.

    Infinite crossings become the largest number: a threshold of infinity is never reached.
    """
    lengths = torch.tensor([len(s) for s in scores], dtype=torch.long)
    most = max(lengths.tolist(), default=0)
    padded = torch.full((len(scores), most), -torch.inf, dtype=torch.float64)
    for row, own in zip(padded, scores, strict=True):
        row[: len(own)] = own
    crossings = torch.full_like(padded, -torch.inf)
    for t in range(most):
        rows = lengths > t
        crossings[rows, t] = policy.crossing_threshold(padded[rows, : t + 1])
    return crossings.nan_to_num(nan=-torch.inf, neginf=-torch.inf)


def exits(policy: ExitPolicy, scores: Sequence[Tensor]) -> list[int | None]:
    """Return the cue at which each trace leaves at the policy's own threshold, or None.

    ``scores`` has one ``[cues]`` per trace.
    """
    column = exit_table(policy, scores, torch.tensor([policy.threshold], dtype=torch.float64))[:, 0]
    return [None if i == NO_EXIT else int(i) for i in column]
