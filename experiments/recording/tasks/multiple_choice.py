"""Multiple choice: CommonsenseQA (1811.00937), ARC (1803.05457) and the like, graded by letter.

Sources: https://www.tau-nlp.org/commonsenseqa and https://allenai.org/data/arc.
"""

import ast
import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.choice import ChoiceGrader
from probexit.experiments.recording.tasks.base import Item, content_id
from probexit.experiments.recording.tasks.choices import REQUEST, choices_of
from probexit.experiments.recording.tasks.file import BOX, FileTask
from probexit.experiments.recording.tasks.source import Hub, SourceRow

_HUB = {
    "commonsense_qa": Hub("tau/commonsense_qa", "validation"),
    "arc_challenge": Hub("allenai/ai2_arc", "test", "ARC-Challenge"),
    "arc_easy": Hub("allenai/ai2_arc", "test", "ARC-Easy"),
}


@dataclass(frozen=True)
class MultipleChoice(FileTask):
    """Reads four layouts, told apart by their fields.

    - the authors': ``{id, question: {stem, choices: [{label, text}]}, answerKey}``; the inner
      object may also be written as a string;
    - the hub's: ``{id, question, choices: {label: [...], text: [...]}, answerKey}``;
    - lists: ``{question, choices: [text], answer}``;
    - flat: ``{id, problem, answer}`` with the choices as lines "A. ..." of the problem.

    ``variant`` names the data set that is fetched from the hub; a local file is read as it is.
    """

    variants: ClassVar[tuple[str, ...]] = tuple(_HUB)

    def hub(self) -> Hub:
        return _HUB[self.variant or "commonsense_qa"]

    def item(self, row: SourceRow) -> Item:
        gold = row.text("answerKey", "answer")
        if "choices" not in row.fields and "problem" in row.fields:
            return _flat(row, gold)
        inner = _inner(row)
        stem = inner.text("stem", "question")
        choices = choices_of(inner.value("choices", "options"), row)
        return Item(_name(row, stem), choices.asked(stem), choices.letter(gold, row))

    @property
    def grader(self) -> Grader:
        return ChoiceGrader()

    @property
    def closing(self) -> str | None:
        return BOX


def _name(row: SourceRow, stem: str) -> str:
    return row.text("id") if "id" in row.fields else content_id("choice", stem)


def _flat(row: SourceRow, gold: str) -> Item:
    problem = row.text("problem")
    if not re.search(rf"^{re.escape(gold)}[.)] ", problem, re.MULTILINE):
        raise row.error(f"'problem' has no line for the answer {gold!r}, such as '{gold}. ...'")
    return Item(_name(row, problem), f"{problem}\n\n{REQUEST}", gold)


def _inner(row: SourceRow) -> SourceRow:
    """Return the object that holds stem and choices: the question itself, or the row."""
    question: Any = row.value("question")
    if isinstance(question, str) and question.lstrip().startswith("{"):
        question = _object(question, row)
    return SourceRow(row.place, question) if isinstance(question, dict) else row


def _object(text: str, row: SourceRow) -> Any:
    """Read an object that a copy of the authors' file holds as JSON or as a Python literal."""
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError) as error:
            raise row.error("'question' starts with '{' but is no readable object") from error
