"""Answers that are the letter of a choice; the article "A" of a sentence is none."""

import re
from dataclasses import dataclass

from probexit.exits.answers.characters import plain
from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.statement import boxed, statements

LETTERS = "ABCDEFGHIJ"
_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}|[*$`]")
_SURE = re.compile(rf"[(\[]\s*([{LETTERS}])\s*[)\]]|([{LETTERS}])\s*(?:[.):,\]]|$)", re.IGNORECASE)
# Before more words, "A" and "I" are a letter only if what follows cannot follow the word.
_WORDY = re.compile(
    rf"([{LETTERS}])(?=\s+(?:because|since|as|for|which|is|\(|[-\u2013\u2014]))"
    rf"|(?![AI])([{LETTERS}])(?=\s)"
)
_HEAD = re.compile(rf"[\s*(\[]*([{LETTERS}])[*]*(?:[.):\]]|\s*$)")
_ALONE = re.compile(rf"(?:.*\n)?[\s*$(\[\\]*([{LETTERS}])[\s*.$)\]\\]*", re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(
    rf"[(\[]([{LETTERS}])[)\]]"
    rf"|\b(?:[Oo]ption|[Cc]hoice)\s+(?:is\s+)?\(?([{LETTERS}])\b(?!\s+[a-z]+\s+of)"
)
_JUDGED = re.compile(
    r"[*)\]]*\s+(?:is|are|seems|looks|must be|cannot be|can't be|isn't)\s*"
    r"(?:(not|wrong|incorrect|false|out|ruled|eliminated|impossible|invalid)\b"
    r"|(?:(?:the|clearly|indeed|therefore)\s+)*(right|correct|true|best|answer)\b)?",
    re.IGNORECASE,
)
_DENIED = re.compile(r"cannot be|can't be|isn't", re.IGNORECASE)


@dataclass(frozen=True)
class ChoiceGrader(Grader):
    r"""Finds ``\boxed{B}``, "The answer is B", "B. bank", "(B)" and "option B", in this order.

    A box with something else than a letter does not hide a letter that is stated.
    """

    def extract(self, text: str) -> str:
        text = plain(text)
        box = boxed(text)
        if box == "":
            return ""
        stated = [*statements(text), *([box] if box else [])]
        letters = [letter for value in stated if (letter := _letter(value))]
        if letters:
            return letters[-1]
        head = _HEAD.match(text) or _ALONE.fullmatch(text)
        if head and not _denied(text, head.end()):
            return head[1].upper()
        return _named(text)

    def same(self, answer: str, other: str) -> bool:
        return _letter(plain(answer)) == _letter(plain(other)) != ""


def _letter(value: str) -> str:
    """Return the letter that a stated value begins with, as a capital; "" if it is a word."""
    bare = _WRAPPER.sub(lambda match: match[1] or "", value).strip()
    bare = re.sub(r"^(?:[Oo]ption|[Cc]hoice)\s+", "", bare)
    match = _SURE.match(bare) or _WORDY.match(bare)
    return (match[1] or match[2]).upper() if match else ""


def _named(text: str) -> str:
    """Return the last choice that is called right; if none is, the last not called wrong."""
    right, unjudged = "", ""
    for match in _NAMED.finditer(text):
        if _denied(text, match.end()):
            continue
        unjudged = match[1] or match[2]
        judged = _JUDGED.match(text, match.end())
        right = unjudged if judged and judged[2] else right
    return right or unjudged


def _denied(text: str, place: int) -> bool:
    """Tell whether what stands at a place calls the choice before it wrong."""
    judged = _JUDGED.match(text, place)
    return judged is not None and bool(judged[1] or _DENIED.search(judged[0]))
