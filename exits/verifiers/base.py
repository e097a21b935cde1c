"""The contract of a verifier: a judge of two texts, beside the model that thinks."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Verifier(ABC):
    """Judges whether two steps of a thinking come to the same. Fields are its configuration.

    The same two texts are always judged the same, so that a live exit is the replayed one.
    """

    @abstractmethod
    def same(self, a: str, b: str) -> bool:
        """Tell whether two texts come to the same answer; False where either comes to none."""

    def states(self, text: str) -> bool:
        """Tell whether a text comes to an answer at all; by default, whether there is any text."""
        return bool(text.strip())

    def cost(self, *texts: str) -> int:
        """Return what judging one text (``states``) or two (``same``) takes; 0 by default.

        Tokens read and decoded for it, in tokens of the model that thinks.
        """
        return 0
