r"""Numbers with their units, read exactly: ``1,080``, ``1.5e3``, ``\frac{14}{3}``, "5 cm"."""

import re
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:\\,\d{3})+|\d+)?(?:\.\d+)?"
_POWER = (
    r"(?:[eE]([-+]?\d{1,3})"
    r"|\s*(?:\\times|\\cdot|\*|x)\s*10\s*(?:\^|\*\*)\s*\{?\s*([-+]?\d{1,3})\s*\}?)?"
)
_DECIMAL = re.compile(rf"(?=[\d.]*\d)({_DIGITS}){_POWER}")
_RATIO = re.compile(
    r"\\[dt]?frac\s*(?:\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d))|(\d+)\s*/\s*(\d+)"
)
_SIGN = re.compile(r"([-+]?)\s*(?:\\?\$|[€£¥])?\s*")
_UNIT = re.compile(
    r"(?:\\(?:text|textrm|mbox|mathrm|hbox)\s*\{\s*([^{}]*?)\s*\}|(\^\s*\{?\s*\\circ\s*\}?\s*[CF]?"
    r"|\\?%|(?<=\s)[A-Za-z][A-Za-z.]*(?:[ /][A-Za-z.]+)*"
    r"|(?:[kcm]?m|[km]?g|m?s|m?l|mL|km/h|min)\b))(?:\s*\^\s*\{?\s*(\d)\s*\}?)?\s*"
)
_NO_UNIT = re.compile(
    r"(?:and|or|pi|mod|sqrt|sin|cos|tan|log|ln|exp|times|to|in|is|of|plus|minus|over|more|less|if|"
    r"because|since|for|by|from|with|than|which|where)\b",
    re.IGNORECASE,
)
# Letters that are units when a space stands before them; else a variable.
_LETTERS = "mgshlLNJWVKCF"
_SAME = {
    **dict.fromkeys(("centimeter", "centimetre"), "cm"),
    **dict.fromkeys(("millimeter", "millimetre"), "mm"),
    **dict.fromkeys(("kilometer", "kilometre"), "km"),
    **dict.fromkeys(("meter", "metre"), "m"),
    **dict.fromkeys(("liter", "litre", "L"), "l"),
    **dict.fromkeys(("kilogram", "kilo"), "kg"),
    **dict.fromkeys(("second", "sec"), "s"),
    **dict.fromkeys(("hour", "hr"), "h"),
    **dict.fromkeys(("foot", "feet"), "ft"),
    **dict.fromkeys(("inch", "inches"), "in"),
    **dict.fromkeys(("percent", "\\%"), "%"),
    **dict.fromkeys(("degree", "deg"), "\\circ"),
    "gram": "g",
    "minute": "min",
    "mile": "mi",
}
CLOSE = Fraction(3, 2_000_000)
"""How far a decimal may lie from a fraction that no decimal writes, as a share of it."""


@dataclass(frozen=True)
class Quantity:
    """A number as it was written.

    Attributes:
        value: Its exact value, of a percentage the number in front of the sign.
        decimal: Whether it was written as a decimal, so that it may have been rounded.
        unit: What stands behind it in one spelling; "" for none.
    """

    value: Fraction
    decimal: bool
    unit: str

    def same(self, other: "Quantity") -> bool:
        """Tell whether both are the same amount; where one has no unit, it may be the other's.

        A unit of one letter is no unit to a number without one: it may be a variable.
        """
        if "%" in (self.unit, other.unit) and "" in (self.unit, other.unit):
            percent, plain = (self, other) if self.unit == "%" else (other, self)
            return percent._near(plain) or Quantity(percent.value / 100, True, "")._near(plain)
        units = {self.unit, other.unit}
        if len(units) == 2 and ("" not in units or any(len(unit) == 1 for unit in units)):
            return False
        return self._near(other)

    def _near(self, other: "Quantity") -> bool:
        if self.value == other.value:
            return True
        rounded = self.decimal != other.decimal and not (self._ends() and other._ends())
        return rounded and abs(self.value - other.value) <= CLOSE * abs(self.value)

    def _ends(self) -> bool:
        """Tell whether some decimal writes the value."""
        below = self.value.denominator
        for prime in (2, 5):
            while below % prime == 0:
                below //= prime
        return below == 1


def quantity(text: str) -> Quantity | None:
    """Read a text that is one number, perhaps with a unit; None for anything else."""
    sign = _SIGN.match(text)
    start = sign.end() if sign else 0
    found = _number(text, start)
    if found is None:
        return None
    value, decimal, end = found
    unit = _unit(text, end)
    if unit is None:
        return None
    return Quantity(-value if sign and sign[1] == "-" else value, decimal, unit)


def _number(text: str, start: int) -> tuple[Fraction, bool, int] | None:
    ratio = _RATIO.match(text, start)
    if ratio:
        above, below = (int(part) for part in ratio.groups() if part is not None)
        return (Fraction(above, below), False, ratio.end()) if below else None
    match = _DECIMAL.match(text, start)
    if not match:
        return None
    power = int(match[2] or match[3] or 0)
    digits = match[1].replace(",", "").replace("\\", "")
    return Fraction(digits) * Fraction(10) ** power, "." in digits, match.end()


def _unit(text: str, start: int) -> str | None:
    rest = text[start:]
    if not rest.strip():
        return ""
    match = _UNIT.fullmatch(text, start + len(rest) - len(rest.lstrip()))
    if not match or _NO_UNIT.match(match[1] or match[2]):
        return None
    name = (match[1] or match[2]).strip(" .")
    single = len(name) == 1 and name.isalpha()
    if single and (name not in _LETTERS or not rest[0].isspace()):
        return None
    return _spelt(name) + (f"^{match[3]}" if match[3] else "")


def _spelt(unit: str) -> str:
    if "circ" in unit:
        return "\\circ" + unit.rstrip("} ")[-1:] if unit.rstrip("} ")[-1:] in "CF" else "\\circ"
    words = [_word(word) for word in unit.replace(".", "").split()]
    if len(words) == 2 and words[0] in ("sq", "square", "cubic", "cu"):
        return f"{words[1]}^{2 if words[0].startswith('sq') else 3}"
    return " ".join(words)


def _word(word: str) -> str:
    if len(word) <= 2:
        return _SAME.get(word, word)
    word = word.casefold()
    one = word if word in _SAME or word.endswith("ss") else word.removesuffix("s")
    return _SAME.get(one, one)
