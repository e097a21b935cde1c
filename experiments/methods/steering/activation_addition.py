"""Steer from wrong to right states (ITI, arXiv 2306.03341; ActAdd, arXiv 2308.10248)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.steering import Steering, states


@dataclass(frozen=True)
class ActivationAddition(Steering):
    """Add the mean state of cues whose forced answer is right less that of the wrong ones.

    ITI's "mass mean shift", on the residual stream of one layer as in ActAdd; ITI adds it at the
    heads that tell right from wrong best, for which ``hooks/steer.py`` takes ``heads=``, but a
    recording holds no states of single heads. ActAdd takes its direction from a pair of prompts.
    """

    title: ClassVar[str] = "activation addition"
    training: ClassVar[str] = "difference of mean states"
    source: ClassVar[str] = "2306.03341"
    summary: ClassVar[str] = "adds the direction from wrong to right states"

    def direction(self, traces: Sequence[Trace], layer: int) -> Tensor:
        X, right = states(traces, layer), torch.cat([trace.cues.correct for trace in traces])
        if right.all() or not right.any():
            raise Unavailable("it needs right and wrong cues to learn from: record more problems")
        return X[right].mean(0) - X[~right].mean(0)
