"""What tasks with mathematical answers have in common."""

from dataclasses import dataclass

from probexit.experiments.recording.grading.base import Grader
from probexit.experiments.recording.grading.latex import LatexGrader
from probexit.experiments.recording.tasks.file import BOX, FileTask


@dataclass(frozen=True)
class MathsTask(FileTask):
    """A file of problems whose answers are numbers or LaTeX in a box."""

    @property
    def grader(self) -> Grader:
        return LatexGrader()

    @property
    def closing(self) -> str | None:
        return BOX


def asked(problem: str) -> str:
    """Add the request that reasoning models are trained on (DeepSeek-R1's model card)."""
    return f"{problem}\n\nPlease reason step by step, and put your final answer within \\boxed{{}}."
