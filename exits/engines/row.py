"""One row of a running batch: what it has seen, and where it left."""

from collections import deque
from dataclasses import dataclass, field

from probexit.exits.engines.history import History
from probexit.exits.engines.score_buffer import ScoreBuffer
from probexit.hooks.cues.reader import CueReader


@dataclass(frozen=True)
class Exit:
    """Where a row left its thinking.

    Attributes:
        thinking: Thinking tokens written before the closing tag.
        cue: Index of the cue it left at; None if the thinking budget closed it.
        score: The signal's score there; None likewise.
    """

    thinking: int
    cue: int | None = None
    score: float | None = None


@dataclass
class Row:
    """One row of a running batch.

    Attributes:
        reader: Follows its text and finds its cues.
        history: What it has seen so far.
        seen: The signal at its cues so far.
        latest: Tokens written, behind which no room for an answer is left.
        forced: Tokens it still has to write to close its thinking, then ``ANSWER``.
        exit: Where it left, if it did.
        written: Tokens generated so far.
        cues: Cues that it has stood at; each is decided on before its next token.
        refused: Exits not taken because no room for an answer was left.
        probed: Tokens decoded only to decide: closing texts and trial answers.
    """

    reader: CueReader
    history: History
    seen: ScoreBuffer = field(default_factory=ScoreBuffer)
    latest: int = 0
    forced: deque[int] = field(default_factory=deque)
    exit: Exit | None = None
    written: int = 0
    cues: int = 0
    refused: int = 0
    probed: int = 0

    @property
    def scores(self) -> list[float]:
        """The signal at its cues so far, oldest first."""
        return self.seen.tolist()

    def check(self) -> None:
        """Compare the cues that it stood at with the decisions.

        Raises:
            RuntimeError: if an engine ran a pass over a cue and nobody decided.
        """
        if self.cues != len(self.seen):
            raise RuntimeError(
                f"a row stood at {self.cues} cues and was decided on at {len(self.seen)}: the "
                "engine read a token and did not hand over the pass that consumed it"
            )
