"""Thresholds for rules that count something over the cues: "so many in a row"."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.trace import Trace


def whole_numbers(traces: Sequence[Trace], least: int) -> Tensor:
    """Return each count from the most cues of any trace, or ``least`` if more, down to 1: ``[m]``.

    Unlike ``spread`` it does not need a score that was reached, and never offers 0, at which a rule
    would exit before it had anything to count.
    """
    most = max((len(trace.cues) for trace in traces), default=0)
    return torch.arange(max(most, least), 0, -1, dtype=torch.float32)
