"""Steer from wrong to right states (contrastive activation addition, arXiv 2312.06681)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.steering import Steering, states


@dataclass(frozen=True)
class ContrastiveSteering(Steering):
    """Add the mean state of cues whose forced answer is right less that of the wrong ones.

    The paper contrasts pairs of one prompt and adds the direction behind the prompt; a recording
    has no such pairs, so all right and wrong cues are contrasted, and the prompt is steered too.
    """

    title: ClassVar[str] = "contrastive steering"
    training: ClassVar[str] = "difference of mean states"
    source: ClassVar[str] = "2312.06681"
    summary: ClassVar[str] = "adds the direction from wrong to right states"

    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        X, right = states(traces, layer), torch.cat([trace.cues.correct for trace in traces])
        if right.all() or not right.any():
            raise Unavailable("it needs right and wrong cues to learn from: record more problems")
        return X[right].mean(0) - X[~right].mean(0)
