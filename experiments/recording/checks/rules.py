"""Controllers that the checks attach: one that never exits, one that exits at a forced place."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.policies.never import Never
from probexit.exits.policies.threshold import Threshold
from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import CueState, Signal
from probexit.experiments.recording.checks.base import Subject
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.layers import n_layers

ANSWER_TOKENS = 4


@dataclass(frozen=True)
class OneRow(Signal):
    """Scores 1 for one row at one cue, 0 otherwise, and reads a layer's states like a probe.

    Attributes:
        prompt: Length of the prompt whose row leaves; no two prompts of a check are equally long.
        cue: Which cue it leaves at, from 1.
        layer: The layer that is read.
    """

    prompt: int
    cue: int
    layer: int

    @property
    def layers(self) -> tuple[int, ...]:
        return (self.layer,)

    def scores(self, trace: Rollout) -> Tensor:
        here = torch.arange(1, len(trace.cues) + 1) == self.cue
        return here.float() * float(len(trace.prompt_ids) == self.prompt)

    def live(self, moment: CueState) -> Tensor:
        if not bool(moment.hidden.isfinite().all()):
            raise ValueError(f"layer {self.layer} holds values that are not finite")
        return super().live(moment)


def never(subject: Subject) -> ExitController:
    """Return a controller that looks at every second token and never exits."""
    return _controller(subject, OneRow(-1, 1, n_layers(subject.model) // 2), Never())


def one_exit(subject: Subject, row: int, cue: int = 2) -> ExitController:
    """Return a controller by which only the row of one prompt leaves, at a given cue."""
    length = len(subject.prompts[row])
    signal = OneRow(length, cue, n_layers(subject.model) // 2)
    return _controller(subject, signal, Threshold(0.5))


def _controller(subject: Subject, signal: Signal, policy: Any) -> ExitController:
    reasoner = subject.reasoner
    return ExitController(
        EveryK(2), signal, policy, reasoner.tags, reasoner.closing, None, ANSWER_TOKENS
    )
