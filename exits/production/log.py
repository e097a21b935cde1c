"""The decision log: one JSON line per request, whole even if the process is killed."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from probexit.exits.json_lines import JsonLines


def now() -> str:
    """Return the time in UTC, in the form of ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Decision:
    """What the controller did with one request; nothing that the user or the model wrote.

    Attributes:
        request: The request's id.
        controller: Digest of the controller (``production.digest``).
        scores: The signal at the cues seen, while an answer still had room behind them; in an
            audited request, at all of those.
        cue: Index of the cue where the rule left, or in an audited request would have left; None
            if it thought to the end.
        score: The signal there.
        refused: Exits not taken because no room for an answer was left.
        budget: Whether the thinking budget closed the thinking.
        tokens: Tokens written.
        audit: None if not audited; else, for each cue where a threshold of the audit's grid would
            have left, whether its answer agrees with the full run's.
        time: When it ended.
    """

    request: str
    controller: str
    scores: tuple[float, ...]
    cue: int | None
    score: float | None
    refused: int
    budget: bool
    tokens: int
    audit: dict[int, bool] | None = None
    time: str = field(default_factory=now)

    @property
    def agrees(self) -> bool | None:
        """Whether the rule's answer is the full run's; None if not audited."""
        if self.audit is None:
            return None
        return self.cue is None or self.audit[self.cue]

    @property
    def exited(self) -> bool:
        """Whether the request really was left at a cue."""
        return self.cue is not None and self.audit is None

    def to_line(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Decision":
        """Read what ``to_line`` wrote.

        Raises:
            ValueError: if the line is no decision.
        """
        try:
            return _ADAPTER.validate_json(line)
        except ValidationError as error:
            wrong = error.errors()[0]
            what = f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}".removeprefix(": ")
            raise ValueError(f"not a line of a decision log ({what}): {line[:80]!r}") from error


BEGINS = '{"request": "'
"""How every line begins."""


_ADAPTER = TypeAdapter(Decision)


class DecisionLog:
    """A file that decisions are appended to, by one process at a time."""

    def __init__(self, file: Path | str) -> None:
        """Open a log, new or old; a last line that was cut short is taken away.

        Raises:
            ValueError: if the file is there and is no decision log; it is not touched.
        """
        self.file = Path(file)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lines = lines_of(self.file)
        self._lines.mend()

    def append(self, decision: Decision) -> None:
        """Write one line with a single system call, so that a kill leaves it whole or absent."""
        self._lines.append(decision.to_line().rstrip("\n"))

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._lines.read())


def lines_of(file: Path) -> JsonLines[Decision]:
    """Return a log as its lines."""
    remedy = "this is no decision log, or a damaged one: restore it, or name another file"
    return JsonLines(file, Decision.from_line, BEGINS, remedy)


def read(file: Path) -> list[Decision]:
    """Read a log, also while it is being written; a line not yet ended is left out.

    Raises:
        ValueError: if there is no such file, or a line is no decision (its number is named).
    """
    if not file.is_file():
        raise ValueError(f"there is no decision log {file}: serve with an audit to write one")
    return lines_of(file).read()
