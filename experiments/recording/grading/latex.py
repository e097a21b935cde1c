r"""Answers that are numbers or LaTeX, compared by value with ``math-verify``.

Source: https://github.com/huggingface/Math-Verify (its ``verify`` is not symmetric, so both
directions are tried here: a trial answer is also compared with another trial answer).
"""

import logging
import re
import threading
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.statement import boxed, statements

SECONDS = 5
"""How long one comparison may take in the main thread; one that takes longer says "different"."""
LONGEST = 300
"""An answer with more characters is compared as a string only."""

_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:/\d+)?(?:\s?\\?%)?"
_QUANTITY = re.compile(
    rf"(?=[-.\d])({_NUMBER})\s+(?!(?:and|or|pi|mod|sqrt|sin|cos|tan|log|ln|exp)\b)[A-Za-z]{{2,}}\b"
    r"(?!.*[=^\\])"
)
_INTEGER = re.compile(r"(-?)(?:0*)(\d{1,3}(?:,\d{3})+|\d+)(?:\.0*)?")
_LAST_MATHS = re.compile(r"\$((?:\\.|[^$\\\n])+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]")
_LAST_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?")
_SPACING = re.compile(r"\\[,!;: ]|\\(?:left|right)(?![a-z])|\s")
_REASON = re.compile(
    r",?\s+(?:because|since|which|where|when|so|as|(?:and|but)\s+(?:I|we|it|that|this|the|so))\b.*"
)
_WORDS = re.compile(r"[A-Za-z][A-Za-z ]+")
_WRAPPER = re.compile(r"^\\(?:text|textbf|mathrm|mbox)\s*\{([^{}]*)\}$")
_BASE = re.compile(r"[\dA-F]+_\{?(\d+)\}?")
# Towers of powers, huge exponents and factorials would be multiplied out digit by digit.
_HEAVY = re.compile(
    r"\^\s*\{[^{}A-Za-z]*\^|\^\s*\(?\d+\s*\^|\^\s*\{?\s*\d{5,}|\([^()]*[a-z][^()]*\)\s*\^\{?\d{3,}"
    r"|\d{5,}\)*\s*!|!\s*\)*\s*!"
)


@dataclass(frozen=True)
class LatexGrader(Grader):
    r"""Compares by value: ``\frac{1}{2}`` is 0.5, ``1,080`` is 1080, ``\{2,1\}`` is ``\{1,2\}``.

    A text without a box or a stated answer gives the last formula of its last line, else the last
    number there.
    """

    def extract(self, text: str) -> str:
        box = boxed(text)
        if box is not None:
            return tidy(box)
        stated = statements(text)
        if stated:
            # "The answer is 4 ... the answer is final": the last value that can be a value.
            values = [value for value in stated if re.search(r"[\d\\]", value)]
            return tidy(_REASON.sub("", (values or stated)[-1]))
        return _from_last_line(text)

    def same(self, answer: str, other: str) -> bool:
        return _same(tidy(answer), tidy(other))


def tidy(answer: str) -> str:
    """Take off mathematics delimiters, currency, a final full stop, and words behind a number."""
    inner = answer.strip().removeprefix("\\(").removesuffix("\\)")
    inner = inner.removeprefix("\\[").removesuffix("\\]").strip(" \t\n$*").rstrip(". ")
    inner = re.sub(r"^(-?)\s*(?:\\?\$|[€£¥])\s*", r"\1", inner.replace("\N{MINUS SIGN}", "-"))
    quantity = _QUANTITY.match(inner)
    return quantity[1] if quantity else inner


def _from_last_line(text: str) -> str:
    lines = text.strip().splitlines()
    if not lines:
        return ""
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
    # As mathematics "on" and "no" are one product of letters, and 52_8 is 52 in any base.
    if _WORDS.fullmatch(a) and _WORDS.fullmatch(b):
        return a.casefold() == b.casefold()
    bases = _BASE.fullmatch(a), _BASE.fullmatch(b)
    if bases[0] and bases[1] and bases[0][1] != bases[1][1]:
        return False
    if any(len(side) > LONGEST or _HEAVY.search(side) for side in (answer, other)):
        return False
    return _verified(answer, other) or _verified(other, answer)


def _word(answer: str) -> str:
    return _WRAPPER.sub(r"\1", answer)


def _integer(answer: str) -> str | None:
    """Write an integer without leading zeros and commas; None for anything else."""
    match = _INTEGER.fullmatch(answer)
    if not match:
        return None
    digits = match[2].replace(",", "")
    return digits if digits == "0" else match[1] + digits


def _verified(gold: str, answer: str) -> bool:
    verdict: bool = _math_verify().verify(
        _parsed(gold), _parsed(answer), timeout_seconds=_seconds()
    )
    return verdict


@lru_cache(maxsize=4096)
def _parsed(answer: str) -> Any:
    library = _math_verify()
    config = [library.LatexExtractionConfig()]
    return library.parse(f"${answer}$", config, parsing_timeout=_seconds())


def _seconds() -> int | None:
    """Return the time limit: math-verify keeps it by a signal, which only the main thread gets."""
    main = threading.current_thread() is threading.main_thread()
    return SECONDS if main else None


@cache
def _math_verify() -> Any:
    try:
        import math_verify
    except ImportError as error:
        raise ValueError(
            "comparing mathematical answers needs math-verify: pip install 'probexit[record]'"
        ) from error
    # It warns once that a thread has no time limit; _HEAVY and LONGEST stand in for the limit.
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    return math_verify
