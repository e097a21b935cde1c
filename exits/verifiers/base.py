"""The contract of a verifier: a judge of two texts, beside the model that thinks."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Verifier(ABC):
    """Judges whether two steps of a thinking come to the same. Fields are its configuration.

    The same two texts are always judged the same, so that a live exit is the replayed one.

    Attributes:
        decodes: Tokens it decodes for one judgement; what it reads is not counted.
    """

    decodes: ClassVar[int] = 0

    @abstractmethod
    def same(self, a: str, b: str) -> bool:
        """Tell whether two texts come to the same answer; False where either comes to none."""

    def states(self, text: str) -> bool:
        """Tell whether a text comes to an answer at all, as far as it can tell without judging."""
        return bool(text.strip())
