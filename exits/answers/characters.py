r"""Characters of other scripts and of typeset mathematics, as plain digits and LaTeX."""

import re
import unicodedata

_SIGNS = {
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "\\times ",
    "\N{MIDDLE DOT}": "\\cdot ",
    "\N{DOT OPERATOR}": "\\cdot ",
    "\N{DIVISION SIGN}": "\\div ",
    "\N{DEGREE SIGN}": "^\\circ ",
    "\N{GREEK SMALL LETTER PI}": "\\pi ",
    "\N{INFINITY}": "\\infty ",
    "\N{LESS-THAN OR EQUAL TO}": "\\le ",
    "\N{GREATER-THAN OR EQUAL TO}": "\\ge ",
    "\N{NOT EQUAL TO}": "\\ne ",
    "\N{PLUS-MINUS SIGN}": "\\pm ",
    "\N{UNION}": "\\cup ",
    "\N{INTERSECTION}": "\\cap ",
    "\N{ELEMENT OF}": "\\in ",
    "\N{IDEOGRAPHIC FULL STOP}": ". ",
    "\N{IDEOGRAPHIC COMMA}": ", ",
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{ALMOST EQUAL TO}": "\\approx ",
}
_ROOT = re.compile(r"\N{SQUARE ROOT}\s*(?:\(([^()]*)\)|(\w+))")
_RAISED = re.compile(
    "[\N{SUPERSCRIPT ZERO}\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}"
    "\N{SUPERSCRIPT THREE}\N{SUPERSCRIPT FOUR}-\N{SUPERSCRIPT NINE}\N{SUPERSCRIPT MINUS}]+"
)


def plain(text: str) -> str:
    r"""Write digits of any script in ASCII, and signs such as "√2", "x²" and "½" in LaTeX."""
    if text.isascii():
        return text
    text = _ROOT.sub(lambda found: f"\\sqrt{{{found[1] or found[2]}}}", text)
    text = _RAISED.sub(lambda found: f"^{{{unicodedata.normalize('NFKC', found[0])}}}", text)
    return "".join(map(_plain, text)).replace("\N{MINUS SIGN}", "-")


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    folded = unicodedata.normalize("NFKC", character)
    if "\N{FRACTION SLASH}" in folded:
        above, below = folded.split("\N{FRACTION SLASH}")
        return f"\\frac{{{above}}}{{{below}}}"
    return folded if folded.isascii() else character
