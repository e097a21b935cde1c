"""Split cues by problem: cues of one problem are never on both sides of a split."""

import torch
from torch import Tensor


def group_folds(groups: Tensor, folds: int, seed: int = 0) -> Tensor:
    """Deal problems at random into ``folds`` of equal size (give or take one problem).

    Args:
        groups: ``[n]`` problem of each cue.
        folds: Number of folds.
        seed: Seed of the deal, which does not depend on the order of the cues.

    Returns:
        ``[n]`` int64 fold of each cue.

    Raises:
        ValueError: if there are fewer problems than folds.
    """
    problems, problem_of = torch.unique(groups, return_inverse=True)
    if not 2 <= folds <= len(problems):
        raise ValueError(f"cannot deal {len(problems)} problems into {folds} folds (at least 2)")
    shuffled = torch.randperm(len(problems), generator=torch.Generator().manual_seed(seed))
    return (shuffled % folds).to(groups.device)[problem_of]


def group_holdout(groups: Tensor, fraction: float, seed: int = 0) -> Tensor:
    """Hold out about ``fraction`` of the problems, at least one; returns a bool mask ``[n]``.

    Raises:
        ValueError: if there are fewer than two problems or ``fraction`` is not inside (0, 1).
    """
    problems, problem_of = torch.unique(groups, return_inverse=True)
    if len(problems) < 2 or not 0 < fraction < 1:
        raise ValueError(
            f"cannot hold out {fraction} of {len(problems)} problems: it takes two or more "
            "and a fraction inside (0, 1)"
        )
    held_out = min(max(round(fraction * len(problems)), 1), len(problems) - 1)
    shuffled = torch.randperm(len(problems), generator=torch.Generator().manual_seed(seed))
    return (shuffled < held_out).to(groups.device)[problem_of]
