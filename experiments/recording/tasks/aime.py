"""The American Invitational Mathematics Examination: answers are integers from 0 to 999.

Sources: https://huggingface.co/datasets/HuggingFaceH4/aime_2024 and
https://huggingface.co/datasets/math-ai/aime25, and copies of these with other field names.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.recording.tasks.base import Item, content_id
from probexit.experiments.recording.tasks.maths import MathsTask, asked
from probexit.experiments.recording.tasks.source import Hub, SourceRow

_ANSWER = re.compile(r"0*(\d{1,3})(?:\.0)?(?:\s*\^?\\circ|\s*\^\{\\circ\}|°)?")


@dataclass(frozen=True)
class Aime(MathsTask):
    """Lines with ``problem`` (``Problem``, ``question``), ``answer`` and, if they have one, ``id``.

    ``variant`` names the year that is fetched from the hub; a local file is read as it is.
    """

    variants: ClassVar[tuple[str, ...]] = ("2024", "2025")

    def hub(self) -> Hub:
        if self.variant == "2025":
            return Hub("math-ai/aime25", "test")
        return Hub("HuggingFaceH4/aime_2024", "train")

    def item(self, row: SourceRow) -> Item:
        problem = row.text("problem", "Problem", "question")
        answer = row.text("answer", "Answer")
        gold = _ANSWER.fullmatch(answer.strip("$"))
        if not gold:
            raise row.error(f"'answer' is {answer!r}, not an integer from 0 to 999")
        named = {"id", "ID"} & row.fields.keys()
        name = row.text("id", "ID") if named else content_id("aime", problem)
        return Item(name, asked(problem), gold[1])
