"""The contract of a grader: from a text to an answer, and from two answers to yes or no."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Grader(ABC):
    """How the answers of one kind of problem are found and compared.

    The text is what stands after the thinking; after a forced exit it is the closing followed by
    what the model made of it, so a box that the closing opened and the model closed is an answer.
    """

    @abstractmethod
    def extract(self, text: str) -> str:
        """Take the answer out of a text; "" if it states none, or breaks off while stating it."""

    @abstractmethod
    def same(self, answer: str, other: str) -> bool:
        """Tell whether two answers are the same: symmetric, and "" equals nothing, not even ""."""
