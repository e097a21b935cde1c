"""Means of a column per token over the tokens that lead up to each cue."""

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout


def step_starts(trace: Rollout) -> Tensor:
    """Return the index of each step's first token, ``[c]``: behind the previous cue."""
    positions = trace.cues.positions
    return torch.cat([positions.new_tensor([trace.begins]), positions + 1])[:-1]


def means(column: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Average a column over a span of tokens per cue.

    Args:
        column: ``[t]``, one number per token.
        first: ``[c]`` index of each span's first token.
        last: ``[c]`` index of its last token, which belongs to it.

    Returns:
        ``[c]`` float32.
    """
    # Running sums in double precision: a span's mean is the same however much was written since.
    sums = torch.nn.functional.pad(column.double().cumsum(0), (1, 0))
    return ((sums[last + 1] - sums[first]) / (last + 1 - first)).float()
