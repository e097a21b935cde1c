"""Arithmetic modulo 23: small steps are frequent, large ones are rare."""

from collections.abc import Iterator

from probexit.experiments.reasoner.family import ProblemFamily

MODULUS = 23
ADDENDS = (10, 5, 2)
FACTORS = (5, 3, 2)
RARE_ADDENDS = (7, 9, 12, 14, 15, 17)
RARE_FACTORS = (4, 6, 8, 9, 10, 12, 15, 18, 20)


def _value(operation: str, state: int) -> int:
    sign, number = operation.split()
    amount = int(number)
    change = {"+": state + amount, "-": state - amount, "*": state * amount}[sign]
    return change % MODULUS


def _sum(amount: int) -> Iterator[int]:
    """Split an amount into frequent addends, largest first, leaving no 1 behind."""
    for addend in ADDENDS:
        while amount >= addend and amount - addend != 1:
            yield addend
            amount -= addend


def _product(amount: int) -> Iterator[int]:
    for factor in FACTORS:
        while amount % factor == 0:
            yield factor
            amount //= factor


class Arithmetic(ProblemFamily):
    """Integers modulo 23, with operations written as a sign and a number."""

    def wording(self, operation: str) -> str:
        sign, amount = operation.split()
        return {"+": "add", "-": "subtract", "*": "multiply by"}[sign] + f" {amount}"


def _tables() -> dict[str, dict[str, str]]:
    names = [f"{sign} {a}" for sign in "+-" for a in sorted(ADDENDS)]
    names += [f"* {a}" for a in sorted(FACTORS)]
    return {n: {str(s): str(_value(n, s)) for s in range(MODULUS)} for n in names}


def _rare() -> dict[str, tuple[str, ...]]:
    rare = {f"{s} {a}": tuple(f"{s} {b}" for b in _sum(a)) for s in "+-" for a in RARE_ADDENDS}
    rare |= {f"* {a}": tuple(f"* {b}" for b in _product(a)) for a in RARE_FACTORS}
    return rare


ARITH = Arithmetic(
    name="arith",
    states=tuple(str(state) for state in range(MODULUS)),
    common=_tables(),
    rare=_rare(),
    opening="Start with {}.",
    verb="{}",
    closing=f"Work modulo {MODULUS}. What is the result?",
    unknown_share=0.37,
)
