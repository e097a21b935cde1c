"""Whether a thinking already holds a complete solution (Solve-Detect-Verify, 2505.11966)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.engines.stepwise.manuscript import Manuscript, read_prompt
from probexit.exits.verifiers.stated_answer import StatedAnswer
from probexit.hooks.continuation import continuation_ids
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import opens_thinking

COMPLETE = (
    "Question:\n{question}\n\nSolution so far:\n{solution}\n\n"
    "Is this a complete solution with a final answer? Reply with Yes or No only."
)
TOP = 10


class Detector(ABC):
    """Says whether a text under way holds a complete solution; charges the text what that costs."""

    @abstractmethod
    def complete(self, text: Manuscript) -> bool:
        """Tell whether the thinking so far solves the question."""


@dataclass(frozen=True)
class AskedSolver(Detector):
    """Asks the model itself, in a turn of its own that holds the question and the solution so far.

    Its reply is one token, behind a thinking that is declared finished: it is complete if ``Yes``
    is likelier than ``No`` among the ten likeliest tokens. The whole turn is charged.

    Attributes:
        instruction: What it is asked, with ``{question}`` and ``{solution}``; paraphrased.
    """

    instruction: str = COMPLETE

    def complete(self, text: Manuscript) -> bool:
        asked = self.instruction.format(question=text.question, solution=text.text)
        ids = finished_thinking(text.reasoner, asked)
        text.charged += len(ids) + 1
        tokenizer = text.reasoner.tokenizer
        yes, no = (continuation_ids(tokenizer, word)[0] for word in ("Yes", "No"))
        return says_yes(read_prompt(text.reasoner, ids), yes, no)


@dataclass(frozen=True)
class StatedSolution(Detector):
    """Reads whether the thinking states an answer in words; for models that follow no questions."""

    def complete(self, text: Manuscript) -> bool:
        return StatedAnswer().states(text.text)


def says_yes(logits: Tensor, yes: int, no: int) -> bool:
    """Tell whether ``yes`` is likelier than ``no`` among the ten likeliest of ``logits [V]``.

    A reply that is not among them counts as impossible; neither is no yes.
    """
    top = logits.topk(min(TOP, len(logits))).indices.tolist()
    return yes in top and (no not in top or bool(logits[yes] > logits[no]))


def finished_thinking(reasoner: Reasoner, asked: str) -> list[int]:
    """Return a prompt whose reply begins behind a thinking that is declared finished."""
    prompt, tags = reasoner.prompt(asked), reasoner.tags
    opened = opens_thinking(reasoner.tokenizer, tags, prompt)
    start = f"{'' if opened else tags.open}I have finished thinking.\n{tags.close}\n\n"
    return [*prompt, *continuation_ids(reasoner.tokenizer, start)]
