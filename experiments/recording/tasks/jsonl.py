"""Problems of your own: lines with ``question``, ``answer`` and optional ``id`` and ``choices``."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.tasks.base import Item, content_id
from probexit.experiments.recording.tasks.choices import choices_of
from probexit.experiments.recording.tasks.file import FileTask
from probexit.experiments.recording.tasks.source import Hub, SourceRow
from probexit.experiments.registry import named

_GRADERS = "probexit.experiments.recording.grading"


@dataclass(frozen=True)
class Jsonl(FileTask):
    """Reads your file; questions are asked as they stand, with their choices below them.

    A line without an id is named by its question. ``variant`` is the grader. By default it is
    ``choice`` if the lines have choices, ``latex`` if every answer has a digit or a backslash, and
    else ``exact``.
    """

    variants: ClassVar[tuple[str, ...]] = ("choice", "exact", "latex")

    def hub(self) -> Hub:
        raise ValueError("task jsonl reads a file of your own: pass --data FILE")

    def item(self, row: SourceRow) -> Item:
        question, answer = row.text("question"), row.text("answer")
        name = row.text("id") if "id" in row.fields else content_id("jsonl", question)
        if "choices" not in row.fields:
            return Item(name, question, answer)
        choices = choices_of(row.value("choices"), row)
        return Item(name, choices.asked(question), choices.letter(answer, row))

    def rows(self) -> list[SourceRow]:
        rows = super().rows()
        first = "choices" in rows[0].fields
        odd = [row for row in rows if ("choices" in row.fields) != first]
        if odd:
            here, there = ("no 'choices'", "has") if first else ("'choices'", "has none")
            raise odd[0].error(f"{here} in this line, but the first line {there}")
        return rows

    @cached_property
    def grader(self) -> Grader:
        grader: Grader = named(_GRADERS, self.variant or self._usual())()
        return grader

    def _usual(self) -> str:
        rows = self.rows()
        if "choices" in rows[0].fields:
            return "choice"
        values = all(re.search(r"[\d\\]", row.text("answer")) for row in rows)
        return "latex" if values else "exact"
