"""The contract of a way to generate a problem anew."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.tasks.base import Task
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class Setting:
    """A model, a grader and decoding settings: what problems are generated anew with.

    Attributes:
        reasoner: The model.
        task: Who grades.
        decoding: The settings of the recording. Fresh runs draw other random numbers than it did:
            with the same ones, a rule that changes little would look as if it changed nothing.
    """

    reasoner: Reasoner
    task: Task
    decoding: Decoding

    @property
    def fresh(self) -> Decoding:
        """The decoding of fresh runs, the recording's, drawing other random numbers."""
        return replace(self.decoding, seed=self.decoding.seed + 1)

    def grade(self, trace: Trace, token_ids: Sequence[int]) -> Fresh:
        """Cut thinking and answer out of what was generated for a trace's prompt, and grade."""
        prompt, tokens = trace.prompt_ids.tolist(), list(token_ids)
        begins, thinking, _ = thinking_span(self.reasoner, Paragraph(), prompt, tokens)
        answer = self.task.extract(answer_text(self.reasoner, tokens, begins, thinking))
        right = self.task.same(answer, trace.gold)
        return Fresh(trace.problem, answer, right, thinking, len(tokens) - begins - thinking)


@dataclass(frozen=True)
class Recipe(ABC):
    """How a problem is generated anew; what it gives for one does not depend on the others."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return all that the results depend on beyond model, task and the bench's decoding.

        JSON values. Results are kept under a digest of them and of the recipe's class.
        """

    @abstractmethod
    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        """Generate for the problems of some traces, in order, and grade.

        Args:
            setting: The model, the grader and the decoding settings.
            traces: Whose ``prompt_ids`` to generate for; nothing else of them may be used but
                ``problem`` and, to grade, ``gold``.
            done: To be called as each problem ends, for the progress bar.
        """
