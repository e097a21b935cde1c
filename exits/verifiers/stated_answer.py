r"""Compare the answers that two texts state in words, such as "The answer is 42." or a box."""

import re
from dataclasses import dataclass

from probexit.exits.verifiers.base import Verifier

_STATED = re.compile(
    r"\\boxed\s*\{(?P<box>(?:[^{}]|\{[^{}]*\})*)\}"
    r"|\banswer\b[*_]*\s*(?:is\b|was\b|equals\b|[:=])[\s:*_]*(?P<words>(?:(?!\\boxed).)+?)"
    r"[*_]*(?=[.!?;](?:\s|$)|\n|$)",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(r"(?:not|correct|right|wrong|incorrect|(?:un)?clear|(?:un)?known)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


@dataclass(frozen=True)
class StatedAnswer(Verifier):
    """Equal if both texts state an answer and the last ones stated are the same.

    Case, thousands separators and dollar signs aside, and numbers by their value. The careful
    default: a text that states no answer agrees with nothing, not even with itself, and an answer
    with words behind it differs from the bare one.
    """

    def same(self, a: str, b: str) -> bool:
        first, second = stated(a), stated(b)
        if first is None or second is None:
            return False
        return first == second or (_number(first) is not None and _number(first) == _number(second))

    def states(self, text: str) -> bool:
        return stated(text) is not None


def stated(text: str) -> str | None:
    """Return the last answer that a text states, tidied; None if it states none."""
    found = (match["box"] or match["words"] or "" for match in _STATED.finditer(text))
    tidied = [_THOUSANDS.sub("", answer.lower()).strip(" \t\"'`*_$.") for answer in found]
    answers = [answer for answer in tidied if answer and not _NO_ANSWER.match(answer)]
    return answers[-1] if answers else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
