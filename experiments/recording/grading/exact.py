"""Answers that are words: equal when they are the same string but for case and punctuation."""

import re
import unicodedata
from dataclasses import dataclass

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.statement import boxed, statements

_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_EDGES = " \t\n.,;:!?\"'`*_$()[]{}"


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


def normalised(answer: str) -> str:
    r"""Fold case, compatible characters, runs of space, ``\text{}`` and punctuation at the ends."""
    folded = unicodedata.normalize("NFKC", _WRAPPER.sub(r"\1", answer)).casefold()
    inner = " ".join(folded.split()).strip(_EDGES)
    return inner or " ".join(folded.split())
