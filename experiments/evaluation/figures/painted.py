"""A trace as text, painted with a score, and where each rule left it: HTML, everything escaped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from torch import Tensor

from probexit.exits.trace import Trace

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Piece:
    """Some text of a trace, up to and with a cue.

    Attributes:
        text: As the model wrote it.
        score: The score at its end, in [0, 1]; None after the last cue.
        answer: The answer that would be given there, and whether it is right; None likewise.
        left: The rules that leave there.
    """

    text: str
    score: float | None = None
    answer: tuple[str, bool] | None = None
    left: tuple[str, ...] = field(default_factory=tuple)

    @property
    def shade(self) -> int:
        """The score in hundredths."""
        return 0 if self.score is None else round(100 * min(max(self.score, 0.0), 1.0))


def pieces(trace: Trace, scores: Tensor, left: dict[str, int], decode: Decode) -> tuple[Piece, ...]:
    """Cut the thinking of a trace at its cues.

    Args:
        trace: The trace.
        scores: ``[c]`` scores in [0, 1].
        left: Where each rule left it: a cue's index; others are not shown.
        decode: Turns token ids into text.
    """
    thinking = trace.token_ids[trace.begins : trace.begins + trace.thinking].tolist()
    ends = (trace.cues.positions + 1 - trace.begins).tolist()
    found, written = [], 0
    for i, end in enumerate(ends):
        rules = tuple(name for name, at in left.items() if at == i)
        answer = (trace.cues.answers[i], bool(trace.cues.correct[i]))
        # Each cue's text is cut from the decoded whole: a character may span several tokens.
        text = decode(thinking[:end])
        found.append(Piece(text[written:], float(scores[i]), answer, rules))
        written = len(text)
    return (*found, Piece(decode(thinking)[written:]))


def paint(trace: Trace, parts: Sequence[Piece]) -> str:
    """Return a trace as HTML: darker blue where the score is higher, marks where rules left."""
    return TEMPLATES.get_template("painted.jinja").render(trace=trace, pieces=parts)
