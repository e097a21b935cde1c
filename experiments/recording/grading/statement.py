r"""Find where a text states an answer: ``\boxed{42}``, "The answer is 42.", "#### 42" and so on."""

import re
from dataclasses import dataclass

# A box, any escaped character, or a brace.
_BRACE = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
# What may stand between boxes that are parts of one answer.
_BETWEEN = re.compile(r"[\s$]*(?:\\text\s*\{\s*)?(,?\s*\b(?:and|or)\b|[,;])(?:\s*\})?[\s$]*")
_VERB = r"(?:(?:is|are|was|equals|(?:will|would|must|should)\s+be)\b[ \t]*:?|[:=])"
# "The answer is" in other languages whose models say so.
_ABROAD = (
    r"答案(?:应该|應該)?(?:是|为|為|[:\uff1a])|答えは|정답은|"
    r"\b(?:respuesta|resposta|réponse|risposta|antwort|ответ)\b[*_]*(?:\s+(?:final|finale|correcta?))?"
    r"\s*(?:\b(?:es|est|ist|lautet)\b|è|é|[:=\u2013\u2014-])"
)
_MARKER = re.compile(
    rf"\#\#\#\#|<answer>|{_ABROAD}"
    rf"|\banswer\b[*_]*(?:\s+(?:to|for|of)\b[^.:\n]{{0,80}}?)?\s*{_VERB}"
    rf"|^[\s\#*_]*final\ answer[*_ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_GAP = re.compile(r"[\s*_]*[:\uff1a]?[\s*_]*")
# A dollar before a number and a word ("$18 per day") is money; any other opens mathematics.
_MATHS = re.compile(
    r"(?:\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$(?![\d.,]+\s+[a-z]{2})((?:\\.|[^$\\\n])+?)\$)"
    r"(?!\s*(?:,|and\b|or\b)\s*[$\\])",
    re.DOTALL,
)
# The full stop of an abbreviation ends no sentence: "St. Louis", "J. R. R. Tolkien", "U.S. Steel".
_SHORT = (
    r"(?<!\bSt)(?<!\bMt)(?<!\bFt)(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bNo)(?<!\bvs)(?<!\bJr)"
    r"(?<!\bSr)(?<!\bProf)(?<!\bGen)(?<!\bGov)(?<!\bSgt)(?<!\bapprox)(?<!\be\.g)(?<!\bi\.e)"
    r"(?<!\b[A-Z]\.[A-Z])(?<!\b[A-Z]\.\s[A-Z])(?!\.\s[A-Z]\.)"
)
_SENTENCE = re.compile(
    rf"(.*?)(?=(?<!\\){_SHORT}[.!?;][*_\"')\]]*(?:\s|$)|[\u3002\uff01\uff1f\uff1b]|[.][*_\"')\]]*\s*\Z|\n|</answer>|\Z)"
)
_BLOCK = re.compile(r"(.*?)</answer>", re.DOTALL)
_NO_ANSWER = re.compile(r"(?:not|correct|right|wrong|incorrect|clear|known|unknown)\b", re.I)


@dataclass(frozen=True)
class _Box:
    opened: int
    start: int
    end: int | None  # None: the text breaks off inside
    content: str


def boxed(text: str) -> str | None:
    r"""Return what stands in the last ``\boxed{...}``, with its inner braces.

    Boxes with no more than "and", "or" or a comma between them are one answer: "2 and 3".

    Returns:
        None if the text opens no box but empty ones; "" if it breaks off inside the last one.
    """
    boxes = sorted(_boxes(text), key=lambda box: box.start)
    if not boxes:
        return None
    last = boxes.pop()
    if last.end is None:
        return ""
    answer, place = last.content, last.opened
    for box in reversed(boxes):
        between = _BETWEEN.fullmatch(text, box.end, place) if box.end is not None else None
        if not between:
            break
        place = box.opened
        if box.content != last.content:
            joint = between[1].strip()
            answer = f"{box.content}{'' if joint[0] in ',;' else ' '}{joint} {answer}"
    return answer


def _boxes(text: str) -> list[_Box]:
    found: list[_Box] = []
    braces: list[tuple[int, int, bool]] = []
    for match in _BRACE.finditer(text):
        if match[0] == "}":
            opened, start, is_box = braces.pop() if braces else (0, 0, False)
            content = text[start : match.start()].strip()
            if is_box and content:
                found.append(_Box(opened, start, match.end(), content))
        elif match[0].endswith("{") and match[0] != "\\{":
            braces.append((match.start(), match.end(), len(match[0]) > 1))
    return found + [_Box(opened, start, None, "") for opened, start, is_box in braces if is_box]


def statements(text: str) -> list[str]:
    """Return every value that the text states as its answer, in order, without the markers."""
    values = (_value(text, match) for match in _MARKER.finditer(text))
    return [value for value in values if value and not _NO_ANSWER.match(value)]


def _value(text: str, marker: re.Match[str]) -> str:
    block = _BLOCK.match(text, marker.end()) if marker[0] == "<answer>" else None
    if block:
        return block[1].strip()
    gap = _GAP.match(text, marker.end())
    start = gap.end() if gap else marker.end()
    maths = _MATHS.match(text, start)
    if maths:
        return next(group for group in maths.groups() if group is not None).strip()
    sentence = _SENTENCE.match(text, start)
    return sentence[1].strip(' \t*_`"') if sentence else ""
