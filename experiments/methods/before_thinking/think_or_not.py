"""Decide before thinking whether to think at all: routing by a probe on the question."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from probexit.experiments.methods.core.answer_at_once import AnswerAtOnce, Scorer
from probexit.experiments.methods.core.before_thinking import start_of, start_probe, start_states
from probexit.experiments.methods.core.context import Context


@dataclass(frozen=True)
class ThinkOrNot(AnswerAtOnce):
    """Answer at once where a probe on the last prompt token says that this would be right.

    The other problems are thought through to the end. Nothing is published under this name with a
    guarantee: the probe is that of DiffAdapt (arXiv 2510.19669), the answer without thinking that
    of NoThinking (arXiv 2504.09858), and the threshold is certified by Learn-then-Test. At the
    uncertified threshold of a half, a right answer is the likelier.
    """

    title: ClassVar[str] = "think or not"
    reads: ClassVar[str] = "last prompt token's hidden states"
    training: ClassVar[str] = "probe on graded answers without thinking"
    source: ClassVar[str] = "2510.19669"
    summary: ClassVar[str] = "answers at once what a probe says it can"

    def scorer(self, context: Context) -> Scorer:
        right = [bool(start_of(trace).correct[0]) for trace in context.splits.fit]
        probe = start_probe(context, right)
        return lambda traces: probe.score(start_states(traces)) if traces else torch.empty(0)
