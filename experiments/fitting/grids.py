"""Thresholds to certify among: drawn from what is thresholded, on problems not calibrated on."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.policies.base import ExitPolicy
from probexit.exits.replay import crossings

FINEST = 500
"""Most thresholds, of any rule; more would only be told apart by chance."""


def policy_grid(policy: ExitPolicy, scores: Sequence[Tensor], finest: int = FINEST) -> Tensor:
    """Choose thresholds of a policy among the values at which its decisions change.

    A trace is left earlier only below the largest crossing threshold so far, so these values, not
    the scores, are where a threshold makes a difference.

    Args:
        policy: When to leave.
        scores: ``[c_i]`` scores of each trace.
        finest: Most thresholds.

    Returns:
        ``[m]`` strictly decreasing float64; empty without scores.
    """
    if not any(len(own) for own in scores):
        return torch.empty(0, dtype=torch.float64)
    return spread(crossings(policy, scores).cummax(1).values.flatten(), finest)


def spread(values: Tensor, finest: int = FINEST) -> Tensor:
    """Choose thresholds among values ``[n]``.

    Returns:
        ``[m]`` strictly decreasing float64: every distinct finite value, or if these are too many,
        half quantiles, half evenly spaced so that no region is skipped. Empty without values.
    """
    pooled = values.double()
    pooled = pooled[pooled.abs() < torch.finfo(torch.float64).max].sort().values
    distinct: Tensor = torch.unique(pooled)
    if len(distinct) <= finest:
        return distinct.flip(0)
    steps = torch.linspace(0, 1, finest // 2, dtype=torch.float64)
    quantiles = pooled[(steps * (len(pooled) - 1)).long()]
    even = torch.lerp(pooled[0], pooled[-1], steps)
    both: Tensor = torch.unique(torch.cat([quantiles, even]))
    return both.flip(0)
