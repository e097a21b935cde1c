r"""Find where a text states an answer: ``\boxed{42}``, "The answer is 42.", "#### 42" and so on."""

import re

# A box, any escaped character, or a brace.
_BRACE = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_VERB = r"(?:(?:is|are|was|equals|(?:will|would|must|should)\s+be)\b[ \t]*:?|[:=])"
_MARKER = re.compile(
    rf"\#\#\#\#|<answer>"
    rf"|\banswer\b[*_]*(?:\s+(?:to|for|of)\b[^.:\n]{{0,80}}?)?\s*{_VERB}"
    rf"|^[\s\#*_]*final\ answer[*_ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_GAP = re.compile(r"[\s*_]*")
# A dollar before a number and a word ("$18 per day") is money; any other opens mathematics.
_MATHS = re.compile(
    r"(?:\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$(?![\d.,]+\s+[a-z]{2})((?:\\.|[^$\\\n])+?)\$)"
    r"(?!\s*(?:,|and\b|or\b)\s*[$\\])",
    re.DOTALL,
)
_SENTENCE = re.compile(r"(.*?)(?=(?<!\\)[.!?;][*_\"')\]]*(?:\s|$)|\n|</answer>|\Z)")
_NO_ANSWER = re.compile(r"(?:not|correct|right|wrong|incorrect|clear|known|unknown)\b", re.I)


def boxed(text: str) -> str | None:
    r"""Return what stands in the last closed ``\boxed{...}``, with its inner braces.

    Returns:
        None if the text opens no box; "" if it opens one and breaks off before closing it.
    """
    boxes: dict[int, str] = {}
    braces: list[tuple[int, bool]] = []
    for match in _BRACE.finditer(text):
        if match[0] == "}":
            start, is_box = braces.pop() if braces else (0, False)
            content = text[start : match.start()].strip()
            if is_box and content:
                boxes[start] = content
        elif match[0].endswith("{") and match[0] != "\\{":
            braces.append((match.end(), len(match[0]) > 1))
    if boxes:
        return boxes[max(boxes)]
    return "" if any(is_box for _, is_box in braces) else None


def statements(text: str) -> list[str]:
    """Return every value that the text states as its answer, in order, without the markers."""
    values = (_value(text, match.end()) for match in _MARKER.finditer(text))
    return [value for value in values if value and not _NO_ANSWER.match(value)]


def _value(text: str, marker_end: int) -> str:
    gap = _GAP.match(text, marker_end)
    start = gap.end() if gap else marker_end
    maths = _MATHS.match(text, start)
    if maths:
        return next(group for group in maths.groups() if group is not None).strip()
    sentence = _SENTENCE.match(text, start)
    return sentence[1].strip(' \t*_`"') if sentence else ""
