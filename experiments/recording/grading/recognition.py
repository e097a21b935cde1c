"""Tell mathematics from text: only what is recognisably mathematics is computed with."""

import re

_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{[a-z*]+\}")
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)")
# Dates, times, ratios, versions, telephone numbers, hexadecimal, codes: digits that are no number.
_CODE = re.compile(
    r"\d\s*:\s*\d|^\s*\d+(?:-\d+)+\s*$|\d+(?:[./]\d+){2,}|\b0[xXbBoO][\dA-Fa-f]|\b0\d+[A-Za-z]"
    r"|\d[A-Za-z]+\d|\b[A-Za-z]{2,}-?\d|[A-Za-z]\d+[A-Za-z]\d|\#|@|://"
)
_KNOWN = frozenset(
    [
        *("and", "or", "in", "mod", "if", "else", "otherwise", "pi", "infty", "inf", "infinity"),
        *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan"),
        *("sinh", "cosh", "tanh", "log", "ln", "exp", "sqrt", "gcd", "lcm", "max", "min", "det"),
    ]
)
_SIGN = re.compile(r"[\\^_=+*/<>|()\[\]{}\d-]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_OPERATORS = frozenset("^_=+*/<>|()[]{}-,;")


def is_mathematics(answer: str) -> bool:
    """Tell whether an answer is a formula, and not words, a date, a time or a code."""
    if not _SIGN.search(answer) or _CODE.search(_without_commands(answer)):
        return False
    bare = _without_commands(answer)
    return all(_is_product(bare, word) for word in _WORD.finditer(bare))


def _without_commands(answer: str) -> str:
    return _COMMAND.sub("|", _ENVIRONMENT.sub("|", answer))


def _is_product(text: str, word: re.Match[str]) -> bool:
    """Tell whether letters are a function's name or a product such as the ab of 2ab + 1."""
    if word[0].casefold() in _KNOWN:
        return True
    if len(word[0]) > 3 or not word[0].islower():
        return False
    before, after = text[: word.start()], text[word.end() :]
    touching = before[-1:].isdigit() or after[:1].isdigit()
    around = (before.rstrip()[-1:], after.lstrip()[:1])
    return touching or (all(not c or c in _OPERATORS for c in around) and any(around))
