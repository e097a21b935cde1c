"""What one problem's fresh run came to, and the file that keeps such results."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fresh:
    """A problem, generated anew under some rule.

    Attributes:
        problem: Problem id.
        answer: The answer; "" if none was given.
        correct: Its grade.
        thinking: Thinking tokens.
        answer_tokens: Tokens that close the thinking, and the answer.
        probing: Tokens decoded only to decide, or thrown away.
        exited: Whether the rule closed the thinking, not the model.
    """

    problem: str
    answer: str
    correct: bool
    thinking: int
    answer_tokens: int
    probing: int = 0
    exited: bool = False


@dataclass(frozen=True)
class Store:
    """Results under one rule, one JSON line each behind a line that says which rule it was.

    Lines are only ever appended, so work that was interrupted goes on where it stopped.
    """

    file: Path

    def read(self) -> dict[str, Fresh]:
        """Return the results by problem; a last line that was cut short is dropped."""
        if not self.file.is_file():
            return {}
        text = self.file.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self.file.write_text(whole, encoding="utf-8")
        found = (Fresh(**json.loads(line)) for line in whole.splitlines()[1:])
        return {fresh.problem: fresh for fresh in found}

    def append(self, results: Iterable[Fresh], heading: str) -> None:
        """Add results; ``heading``, one line, is written first into a new file."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = not self.file.is_file() or not self.file.stat().st_size
        with self.file.open("a", encoding="utf-8") as out:
            out.write(heading + "\n" if new else "")
            out.writelines(json.dumps(asdict(fresh)) + "\n" for fresh in results)
