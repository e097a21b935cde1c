"""When two forced answers count as the same where no grader is at hand: inside an exit rule."""

import re
import unicodedata

from probexit.exits.answers.characters import plain
from probexit.exits.answers.quantity import quantity

_WRAPPER = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_EDGES = " \t\n.,;:!?\"'`*_$()[]{}"


def answer_key(answer: str) -> str:
    r"""Write an answer such that equal answers are written alike; "" for none.

    Numbers are their value with their unit, so that 1080, 1,080 and 1080.0 are one answer, and so
    are ``\frac{1}{2}`` and 0.5; anything else is ``normalised``. What takes algebra to see is not
    seen: that is the grader's part, when an answer is graded.
    """
    amount = quantity(plain(answer).strip().strip("$*`").rstrip(". "))
    if amount is None:
        return normalised(answer)
    return f"{amount.value} {amount.unit}".strip()


def normalised(answer: str) -> str:
    r"""Fold case, compatible characters, runs of space, ``\text{}`` and punctuation at the ends."""
    folded = unicodedata.normalize("NFKC", _WRAPPER.sub(r"\1", answer)).casefold()
    inner = " ".join(folded.split()).strip(_EDGES)
    return inner or " ".join(folded.split())


def same_answer(answer: str, other: str) -> bool:
    """Compare two answers by their keys; "" equals nothing, not even ""."""
    return answer_key(answer) == answer_key(other) != ""
