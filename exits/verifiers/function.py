"""Any function of two texts as a verifier, for use in the program that defines it."""

from collections.abc import Callable
from dataclasses import dataclass

from probexit.exits.verifiers.base import Verifier


@dataclass(frozen=True)
class FromFunction(Verifier):
    """Judges by a function of two texts.

    A function cannot be written to a folder: a controller that holds one cannot be saved. Derive a
    class from ``Verifier`` for that.

    Attributes:
        function: Tells whether two texts come to the same answer.
    """

    function: Callable[[str, str], bool]

    def same(self, a: str, b: str) -> bool:
        return bool(self.function(a, b))
