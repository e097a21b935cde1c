"""Replay an exit rule over recorded traces: the same policies, on arrays, in seconds."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy

NO_EXIT = -1


def exit_table(policy: ExitPolicy, scores: Sequence[Tensor], grid: Tensor) -> Tensor:
    """Find the cue at which each trace leaves, at each threshold.

    Args:
        policy: The policy; its threshold is replaced by each of the grid.
        scores: One ``[c_i]`` score vector per trace.
        grid: ``[m]`` thresholds.

    Returns:
        ``[n, m]`` index of the first cue where the policy exits; ``NO_EXIT`` if it never does.
    """
    policies = [replace(policy, threshold=float(threshold)) for threshold in grid]
    table = torch.full((len(scores), len(policies)), NO_EXIT)
    lengths = torch.tensor([len(s) for s in scores], dtype=torch.long)
    for t in range(1, max(lengths.tolist(), default=0) + 1):
        rows = torch.nonzero(lengths >= t)[:, 0]
        history = torch.stack([scores[int(i)][:t] for i in rows]).double()
        for j, at in enumerate(policies):
            leaving = rows[at.should_exit(history)]
            first = leaving[table[leaving, j] == NO_EXIT]
            table[first, j] = t - 1
    return table


def exits(policy: ExitPolicy, scores: Sequence[Tensor]) -> list[int | None]:
    """Return the cue at which each trace leaves at the policy's own threshold, or None."""
    column = exit_table(policy, scores, torch.tensor([policy.threshold], dtype=torch.float64))[:, 0]
    return [None if i == NO_EXIT else int(i) for i in column]
