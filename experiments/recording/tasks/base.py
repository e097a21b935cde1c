"""The contract of a task: problems, and a grader for their answers."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.exact import ExactGrader


@dataclass(frozen=True)
class Item:
    """One problem.

    Attributes:
        id: Unique within the task and stable across runs; the unit of every split.
        question: What the user asks, without any chat formatting.
        gold: The right answer.
    """

    id: str
    question: str
    gold: str


def content_id(prefix: str, question: str) -> str:
    """Name a problem by its text: the same in every file, order and seed it may come from."""
    return f"{prefix}-{hashlib.sha256(question.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Task(ABC):
    """A source of problems with a grader.

    Attributes:
        data: A local file for tasks that read one.
        seed: Seed for tasks that make their problems.
        variant: One of ``variants``, or "" for the usual problems (on the command line behind a
            colon: ``--task arith:hard``).
        variants: What ``variant`` may be.
    """

    data: Path | None = None
    seed: int = 0
    variant: str = ""
    variants: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Refuse a variant that the task does not have.

        Raises:
            ValueError: naming the ones it has.
        """
        if self.variant and self.variant not in self.variants:
            name = type(self).__module__.rpartition(".")[2]
            known = f"choose one of {', '.join(self.variants)}" if self.variants else "it has none"
            raise ValueError(f"task {name} has no variant {self.variant!r}: {known}")

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Yield the problems in a fixed order (endlessly, if the task makes them).

        Raises:
            ValueError: if the file is missing or a line is malformed (the line's number is named);
                at the first problem, whichever line it is, so that no model time is lost.
        """

    @property
    def grader(self) -> Grader:
        """How answers are found and compared."""
        return ExactGrader()

    def extract(self, text: str) -> str:
        """Take the answer out of what the model wrote after its thinking; "" if there is none.

        After a forced exit the text is the closing behind the end-of-thinking tag with its
        continuation.
        """
        return self.grader.extract(text)

    def same(self, answer: str, other: str) -> bool:
        """Tell whether two answers are the same to this task's grader; "" equals nothing."""
        return self.grader.same(answer, other)

    @property
    def closing(self) -> str | None:
        """What follows the end-of-thinking tag to force an answer; None = the model's default."""
        return None
