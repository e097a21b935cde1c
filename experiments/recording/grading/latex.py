r"""Answers that are numbers or LaTeX, compared by value; what is no mathematics, as text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from probexit.exits.answers.characters import plain
from probexit.exits.answers.key import normalised
from probexit.exits.answers.quantity import quantity
from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.computing import same_value
from probexit.experiments.recording.grading.recognition import is_mathematics
from probexit.experiments.recording.grading.statement import boxed, statements

LONGEST = 300
"""An answer with more characters is compared as a string only."""

_INTEGER = re.compile(r"(-?)(?:0*)(\d{1,3}(?:,\d{3})+|\d+)(?:\.0*)?")
_LAST_MATHS = re.compile(r"\$((?:\\.|[^$\\\n])+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]")
_LAST_NUMBER = re.compile(
    r"(?<![\w.])-?(?:\\[dt]?frac\{-?\d+\}\{\d+\}|\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?(?:/\d+)?)"
)
_SPACING = re.compile(r"\\[,!;: ]|\\(?:left|right)(?![a-z])|\s")
_REASON = re.compile(
    r",?\s+(?:because|since|which|where|when|so|as|(?:and|but)\s+(?:I|we|it|that|this|the|so))\b.*"
    r"|\s+\((?:since|because|as|from|by|i\.e\.|that is|namely)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT = re.compile(
    r"(?:(?:approximately|about|around|roughly|exactly|nearly|simply|just|only|equal to)\b"
    r"|\\approx|~)\s*",
    re.IGNORECASE,
)
# "12 * 3 = 36 eggs": a calculation whose result is the answer; "x = 5" is none.
_CALCULATION = re.compile(r"[-+\d(][-+*/x\d\s().,\\a-z]*=\s*(?=[-\d])(?!.*=)", re.DOTALL)
_AMOUNT = re.compile(r"(-?[\d.,/]*\d)\s+[A-Za-z][A-Za-z ]*")
_CURRENCY = re.compile(r"^(-?)\s*(?:\\?\$|[€£¥])\s*")
_RATE = re.compile(r"^(-?\s*(?:\\?\$|[€£¥])\s*[\d.,]+)\s+(?:per|each|every|an?)\b.*")
_WRAPPER = re.compile(r"^\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}$")
_BASE = re.compile(r"[\dA-F]+_\{?(\d+)\}?")
_JOINTS = re.compile(r"\s*(?:[,;]\s*(?:and|or)?|\b(?:and|or)\b)\s+")
# Towers of powers, huge exponents and factorials would be multiplied out digit by digit.
_HEAVY = re.compile(
    r"\^\s*\{[^{}A-Za-z]*\^|\^\s*\(?\d+\s*\^|\^\s*\{?\s*\d{5,}|\([^()]*[a-z][^()]*\)\s*\^\{?\d{3,}"
    r"|\d{5,}\)*\s*!|!\s*\)*\s*!"
)


@dataclass(frozen=True)
class LatexGrader(Grader):
    r"""Compares by value: ``\frac{1}{2}`` is 0.5, ``1,080`` is 1080, ``\{2,1\}`` is ``\{1,2\}``.

    Units count where both answers have one. Dates, times, codes and words are compared as text. A
    text without a box or a stated answer is the answer if it is one formula; else the last formula
    of its last line is, or the last number there.
    """

    def extract(self, text: str) -> str:
        text = plain(text)
        box = boxed(text)
        if box is not None:
            return tidy(box)
        stated = statements(text)
        if stated:
            # "The answer is 4 ... the answer is final": the last value that can be a value.
            values = [value for value in stated if re.search(r"[\d\\]", value)]
            return _result((values or stated)[-1])
        return _from_last_line(text)

    def same(self, answer: str, other: str) -> bool:
        return _same(tidy(plain(answer)), tidy(plain(other)))


def tidy(answer: str) -> str:
    """Take off mathematics delimiters, currency and a final full stop."""
    inner = answer.strip().removeprefix("\\(").removesuffix("\\)")
    inner = inner.removeprefix("\\[").removesuffix("\\]").strip(" \t\n*`").rstrip(". ")
    inner = inner[1:-1].strip("$ ") if inner[:1] == inner[-1:] == "$" else inner.rstrip("$ ")
    return _CURRENCY.sub(r"\1", _RATE.sub(r"\1", inner))


def _result(stated: str) -> str:
    """Take the value out of a sentence: no "about", no reason behind it, no calculation before."""
    value = tidy(_ABOUT.sub("", _REASON.sub("", stated), count=1))
    calculation = _CALCULATION.match(value)
    if not calculation:
        return value
    result = value[calculation.end() :]
    amount = _AMOUNT.fullmatch(result)
    return amount[1] if amount else result


def _from_last_line(text: str) -> str:
    lines = text.strip().splitlines()
    if not lines:
        return ""
    last = tidy(lines[-1].strip().strip("*_"))
    short = len(last.split()) <= 3 and (len(lines) == 1 or last.startswith("\\"))
    if short or is_mathematics(last) or quantity(last):  # an answer, and no sentence
        return _result(last)
    formulas = ["".join(groups) for groups in _LAST_MATHS.findall(lines[-1])]
    numbers = _LAST_NUMBER.findall(lines[-1])
    return tidy((formulas or numbers or [""])[-1])


@lru_cache(maxsize=65536)
def _same(answer: str, other: str) -> bool:
    if not answer or not other:
        return False
    a, b = (_word(_SPACING.sub("", side)) for side in (answer, other))
    if a == b:
        return True
    integers = _integer(a), _integer(b)
    if None not in integers:
        return integers[0] == integers[1]
    amounts = quantity(_word(answer)), quantity(_word(other))
    if amounts[0] and amounts[1]:
        return amounts[0].same(amounts[1])
    bases = _BASE.fullmatch(a), _BASE.fullmatch(b)
    if bases[0] and bases[1] and bases[0][1] != bases[1][1]:
        return False
    if any(len(side) > LONGEST or _HEAVY.search(side) for side in (answer, other)):
        return False
    if all(amount or is_mathematics(s) for amount, s in zip(amounts, (answer, other), strict=True)):
        return same_value(answer, other)
    return _same_text(_word(answer), _word(other))


def _same_text(answer: str, other: str) -> bool:
    if normalised(answer) == normalised(other):
        return True
    mine, theirs = _JOINTS.split(answer), _JOINTS.split(other)
    return len(mine) == len(theirs) > 1 and _pair_up(mine, theirs, _same)


def _pair_up(mine: list[str], theirs: list[str], same: Callable[[str, str], bool]) -> bool:
    """Tell whether the parts are the same in some order."""
    left = list(theirs)
    for part in mine:
        partner = next((i for i, each in enumerate(left) if same(part, each)), None)
        if partner is None:
            return False
        left.pop(partner)
    return True


def _word(answer: str) -> str:
    return _WRAPPER.sub(r"\1", answer)


def _integer(answer: str) -> str | None:
    """Write an integer without leading zeros and commas; None for anything else."""
    match = _INTEGER.fullmatch(answer)
    if not match:
        return None
    digits = match[2].replace(",", "")
    return digits if digits == "0" else match[1] + digits
