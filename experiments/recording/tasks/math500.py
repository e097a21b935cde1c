"""Competition mathematics (MATH-500, 2305.20050; MATH, 2103.03874) with LaTeX answers.

Source: https://github.com/openai/prm800k, ``math_splits/test.jsonl``.
"""

import warnings
from dataclasses import dataclass

from probexit.experiments.recording.tasks.base import Item, content_id
from probexit.experiments.recording.tasks.maths import MathsTask, asked
from probexit.experiments.recording.tasks.source import Hub, SourceRow


@dataclass(frozen=True)
class Math500(MathsTask):
    """Lines with ``problem``, ``answer`` and, if they have one, ``unique_id``.

    Rows whose answer is empty or null, which copies of MATH have, are left out with a warning.
    """

    def hub(self) -> Hub:
        return Hub("HuggingFaceH4/MATH-500", "test")

    def rows(self) -> list[SourceRow]:
        rows = super().rows()
        # A row without the field is another format, and an error.
        empty = [row for row in rows if row.fields.get("answer", "?") in ("", None)]
        if empty:
            warnings.warn(f"{empty[0].place}: no answer; {len(empty)} such left out", stacklevel=2)
        return [row for row in rows if row not in empty]

    def item(self, row: SourceRow) -> Item:
        problem = row.text("problem")
        named = "unique_id" in row.fields
        name = row.text("unique_id") if named else content_id("math", problem)
        return Item(name, asked(problem), row.text("answer"))
