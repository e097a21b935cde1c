"""A recorded problem: what the model wrote, and what stopping at each cue would have given."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from probexit.exits.rollout import Cues, Rollout


@dataclass(frozen=True, kw_only=True)
class GradedCues(Cues):
    """Cues with the grades of their forced answers.

    Attributes:
        correct: ``[c]`` bool, forced answer graded against gold.
        sampled_right: ``[c, K]`` bool, grades of ``K`` sampled forced answers; None if none were
            recorded.
        heads: ``[c, layers, heads, width]`` of every layer of the model, what each attention head
            has read there, before the output projection; None unless recorded on request
            (`record --heads`). No live rollout has it.
    """

    correct: Tensor
    sampled_right: Tensor | None = None
    heads: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Grades:
    """What is known of a rollout in hindsight.

    Attributes:
        correct: Whether the full run's answer is right.
        gold: The task's answer.
        agrees: ``[c]`` bool, forced answer equal to the full run's under the task's grader.
        cues: The cues with the grades of their forced answers.
        start: The forced exit before any thinking ("no thinking"), one row in the same columns
            (position -1), or None if it was not recorded.
    """

    correct: bool
    gold: str
    agrees: Tensor
    cues: GradedCues
    start: GradedCues | None = None


@dataclass(frozen=True, kw_only=True)
class Trace(Rollout, Grades):
    """A rollout that ended, with its grades: what a recording holds, and losses are asked about.

    Attributes:
        finished: False if the run was cut off by the token limit.
        answer: The full run's answer text ("" if none); ``correct`` its grade.
        question: The question, for the reader.
        thinking_hidden: ``[thinking, L, d]`` hidden states of all thinking tokens at the recorded
            layers; None unless recorded on request (`record --tokens`). No live rollout has it.
    """

    finished: bool
    answer: str
    cues: GradedCues
    question: str = ""
    thinking_hidden: Tensor | None = None

    def correct_at(self, exit_index: int | None) -> bool:
        """Whether the answer given when leaving at this cue is right."""
        return self.correct if exit_index is None else bool(self.cues.correct[exit_index])

    def stays_right(self) -> Tensor:
        """``[c]`` bool: right here and at every later cue and at the end."""
        right = torch.cat([self.cues.correct, torch.tensor([self.correct])]).flip(0)
        return right.cumprod(0).flip(0)[:-1].bool()

    def seen(self) -> Rollout:
        """Return the rollout without its grades: all that a signal may read."""
        cues = Cues(**{field.name: getattr(self.cues, field.name) for field in fields(Cues)})
        own = {field.name: getattr(self, field.name) for field in fields(Rollout)}
        return Rollout(**own | {"cues": cues})
