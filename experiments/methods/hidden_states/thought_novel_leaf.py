"""Thought Calibration on what a step does: answers, and adds nothing (arXiv 2505.18404)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.signals.base import Signal
from probexit.exits.signals.novel_leaf import NovelLeaf, with_previous
from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import leaf, novel
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.training import last_layer, of_step, recorded_layers, trained
from probexit.experiments.methods.hidden_states.thought import Thought
from probexit.probes.principal import Principal


@dataclass(frozen=True)
class ThoughtNovelLeaf(Thought):
    """Exit when steps state an answer and none that is new: ``p(leaf) (1 - p(novel))``.

    As ``thought_supervised``, with two probes. Where the paper has a large model judge the steps,
    labels are read off the recorded answers: a step is a leaf if its text states the forced answer,
    and novel if that answer was not forced at any earlier cue. No gold is needed. ``p(leaf)`` is 1
    where all steps of the fit split are leaves, as for a model that answers before every cue.
    """

    title: ClassVar[str] = "thought: novel leaf"
    training: ClassVar[str] = "two PCA, logistic on forced exits, no gold"
    summary: ClassVar[str] = "exits once steps repeat answers"

    def signal(self, context: Context) -> Signal:
        at, traces = last_layer(context), context.splits.fit
        all_leaves = all(bool(leaf(trace).all()) for trace in traces)
        return NovelLeaf(
            leaf=None if all_leaves else trained(Principal(), context, leaf, of_step, at),
            novel=trained(Principal(), context, novel, _with_previous, at),
            at=at,
            recorded=recorded_layers(context),
        )


def _with_previous(trace: Trace) -> Tensor:
    """Return ``[c, L, 2d]``: at each layer, the step's mean state and that of the step before."""
    steps = trace.cues.step_hidden
    return torch.stack([with_previous(steps[:, i]) for i in range(steps.shape[1])], 1)
