"""Answers that are words: equal when they are the same string but for case and punctuation."""

from dataclasses import dataclass

from probexit.exits.answers.key import normalised
from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.statement import boxed, statements


@dataclass(frozen=True)
class ExactGrader(Grader):
    """Compares normalised strings whole, so that "no" is not found in "know".

    A text of one line that states no answer in words of its own is the answer.
    """

    def extract(self, text: str) -> str:
        box = boxed(text)
        if box is not None:
            return box
        stated = statements(text)
        if stated:
            return stated[-1]
        bare = text.strip()
        return "" if "\n" in bare else bare.rstrip(".")

    def same(self, answer: str, other: str) -> bool:
        return normalised(answer) == normalised(other) != ""
