"""The process that computes with mathematical answers; run by path, it imports nothing of probexit.

It reads lines ``[answer, other]`` and writes lines ``true`` or ``false``, in JSON. Who asks kills
it when it takes too long: that holds in any thread, and for code that no signal interrupts.

Source: https://github.com/huggingface/Math-Verify (its ``verify`` is not symmetric, so both
directions are tried: a trial answer is also compared with another trial answer).
"""

import json
import logging
import sys
from functools import lru_cache
from typing import Any

import math_verify
import sympy

MEMORY = 4 * 2**30
"""Bytes that the process may take; a tower of powers is multiplied out digit by digit."""
CLOSE = 1.5e-6
"""How far apart two numbers may lie, as a share of the larger."""
TINY = 1e-3
"""Below this, math-verify's six decimals say little."""


@lru_cache(maxsize=4096)
def parsed(answer: str) -> Any:
    """Parse an answer as LaTeX: the expressions that math-verify reads in it."""
    config = [math_verify.LatexExtractionConfig()]
    return math_verify.parse(f"${answer}$", config, parsing_timeout=None)


def same(answer: str, other: str) -> bool:
    """Tell whether two answers have the same value, in either order."""
    a, b = parsed(answer), parsed(other)
    x, y = number(a), number(b)
    if x is not None and y is not None:
        return bool(abs(x - y) <= CLOSE * max(abs(x), abs(y)))
    rounding = 40 if any(map(has_tiny, (a, b))) else 6
    options: dict[str, Any] = {"float_rounding": rounding, "timeout_seconds": None}
    return bool(math_verify.verify(a, b, **options) or math_verify.verify(b, a, **options))


def number(found: Any) -> complex | None:
    """Return the value of an answer that is one number; None for anything else."""
    first = found[0] if found else None
    if not isinstance(first, sympy.Expr) or not first.is_number or not first.is_finite:
        return None
    return complex(first.evalf(30))


def has_tiny(found: Any) -> bool:
    """Tell whether a small number stands in an answer."""
    first = found[0] if found else None
    if not isinstance(first, sympy.Basic):
        return False
    return any(0 < abs(float(leaf)) < TINY for leaf in first.atoms(sympy.Float, sympy.Rational))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    """Answer until the input ends."""
    logging.disable()
    _limit_memory()
    for line in sys.stdin:
        try:
            verdict = same(*json.loads(line))
        except Exception:  # whatever the libraries cannot take is not shown to be the same
            verdict = False
        print(json.dumps(verdict), flush=True)


if __name__ == "__main__":
    main()
