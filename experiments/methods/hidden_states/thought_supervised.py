"""Thought Calibration with labels from gold (arXiv 2505.18404, "supervised")."""

from dataclasses import dataclass, replace
from typing import ClassVar

from probexit.exits.signals.base import Signal
from probexit.exits.signals.step_probe import StepProbe
from probexit.experiments.fitting.targets import reached
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.training import last_layer, of_step, recorded_layers, trained
from probexit.experiments.methods.hidden_states.thought import Thought
from probexit.probes.principal import Principal


@dataclass(frozen=True)
class ThoughtSupervised(Thought):
    """Exit when the steps' mean states say that the right answer was reached.

    As published: last layer, standardised, 256 principal components, logistic regression, labels
    cumulative (once right, always right), problems that were never right left out of training, a
    rolling mean of ten. Unlike it, a step ends at this run's cues, every step is labelled instead
    of every tenth, and the threshold is certified for this table's loss, which does not forgive a
    right answer that later flips; the released code's returns one grid step too far.
    """

    title: ClassVar[str] = "thought: supervised"
    training: ClassVar[str] = "PCA, logistic on graded forced exits"
    summary: ClassVar[str] = "exits once the steps look as after the right answer"

    def signal(self, context: Context) -> Signal:
        at, splits = last_layer(context), context.splits
        solved = [trace for trace in splits.fit if bool(trace.cues.correct.any())]
        solvable = replace(context, splits=replace(splits, fit=solved))
        probe = trained(Principal(), solvable, reached, of_step, at)
        return StepProbe(probe=probe, at=at, recorded=recorded_layers(context))
