"""Grade-school word problems (GSM8K, 2110.14168) in the authors' format.

Source: https://github.com/openai/grade-school-math; the gold answer stands behind "####".
"""

from dataclasses import dataclass

from probexit.experiments.recording.tasks.base import Item, content_id
from probexit.experiments.recording.tasks.maths import MathsTask, asked
from probexit.experiments.recording.tasks.source import Hub, SourceRow


@dataclass(frozen=True)
class Gsm8k(MathsTask):
    """Lines with ``question`` and ``answer``; the hub's ``openai/gsm8k`` test split."""

    def hub(self) -> Hub:
        return Hub("openai/gsm8k", "test", "main")

    def item(self, row: SourceRow) -> Item:
        question = row.text("question")
        _, mark, gold = row.text("answer").rpartition("####")
        if not mark or not gold.strip():
            raise row.error("'answer' has no gold answer behind '####'")
        return Item(content_id("gsm8k", question), asked(question), gold.strip().replace(",", ""))
