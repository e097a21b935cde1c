"""Answers that are the letter of a choice; the article "A" of a sentence is none."""

import re
from dataclasses import dataclass

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.statement import boxed, statements

LETTERS = "ABCDEFGHIJ"
_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}|[*$]")
_SURE = re.compile(rf"\(\s*([{LETTERS}])\s*\)|([{LETTERS}])\s*(?:[.):,]|$)", re.IGNORECASE)
# Before more words, "A" and "I" are a letter only if what follows cannot follow the word.
_WORDY = re.compile(
    rf"([{LETTERS}])(?=\s+(?:because|since|as|for|which|is|\(|[-\u2013\u2014]))"
    rf"|(?![AI])([{LETTERS}])(?=\s)"
)
_HEAD = re.compile(rf"[\s*(]*([{LETTERS}])[*]*(?:[.):]|\s*$)")
_NAMED = re.compile(
    rf"\(([{LETTERS}])\)|\b(?:[Oo]ption|[Cc]hoice)\s+(?:is\s+)?\(?([{LETTERS}])\b(?!\s+[a-z]+\s+of)"
)


@dataclass(frozen=True)
class ChoiceGrader(Grader):
    r"""Finds ``\boxed{B}``, "The answer is B", "B. bank", "(B)" and "option B", in this order."""

    def extract(self, text: str) -> str:
        box = boxed(text)
        if box is not None:
            return _letter(box)
        letters = [letter for value in statements(text) if (letter := _letter(value))]
        if letters:
            return letters[-1]
        head = _HEAD.match(text)
        if head:
            return head[1]
        named = [a or b for a, b in _NAMED.findall(text)]
        return named[-1] if named else ""

    def same(self, answer: str, other: str) -> bool:
        return _letter(answer) == _letter(other) != ""


def _letter(value: str) -> str:
    """Return the letter that a stated value begins with, as a capital; "" if it is a word."""
    plain = _WRAPPER.sub(lambda match: match[1] or "", value).strip()
    plain = re.sub(r"^(?:[Oo]ption|[Cc]hoice)\s+", "", plain)
    match = _SURE.match(plain) or _WORDY.match(plain)
    return (match[1] or match[2]).upper() if match else ""
