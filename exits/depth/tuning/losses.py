"""What leaving layers early costs a problem, by comparing its text with the full model's.

The unit is the problem and the text is a roll-out under the deployed rule: tokens of one text
depend on each other, and an early token changes all that follow. Each loss lies in [0, 1].
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TextLoss(ABC):
    """Compares the roll-out at a threshold with the full model's."""

    @abstractmethod
    def __call__(self, problem: int, early: Sequence[int], full: Sequence[int]) -> float:
        """Return the loss in [0, 1] of the continuation ``early``, token ids, for ``problem``."""


@dataclass(frozen=True)
class AnswerDiffers(TextLoss):
    """1 if the answer is not the full model's; needs no reference.

    No answer agrees with none: where the full model gives none, every other text is lost.

    Attributes:
        answer: Reads the answer from a problem's continuation; None or "" where there is none.
    """

    answer: Callable[[int, Sequence[int]], object]

    def __call__(self, problem: int, early: Sequence[int], full: Sequence[int]) -> float:
        if self.unanswered(problem, full):
            return float(list(early) != list(full))
        return float(self.answer(problem, early) != self.answer(problem, full))

    def unanswered(self, problem: int, text: Sequence[int]) -> bool:
        """Tell whether a continuation gives no answer."""
        return self.answer(problem, text) in (None, "")


@dataclass(frozen=True)
class LostTask(TextLoss):
    """1 if the full model was right and the early one is not.

    Attributes:
        right: Grades a problem's continuation.
    """

    right: Callable[[int, Sequence[int]], bool]

    def __call__(self, problem: int, early: Sequence[int], full: Sequence[int]) -> float:
        return float(self.right(problem, full) and not self.right(problem, early))


@dataclass(frozen=True)
class TextDissimilarity(TextLoss):
    """One less the token F1 of the two texts (CALM's textual consistency, arXiv 2207.07061)."""

    def __call__(self, problem: int, early: Sequence[int], full: Sequence[int]) -> float:
        if not early and not full:
            return 0.0
        shared = sum((Counter(early) & Counter(full)).values())
        return 1.0 - 2.0 * shared / (len(early) + len(full))
