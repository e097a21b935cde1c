"""The contract of a way to generate a problem anew."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from probexit.exits.trace import Trace
from probexit.experiments.fresh.result import Fresh

if TYPE_CHECKING:
    from probexit.experiments.fresh.bench import Bench


@dataclass(frozen=True)
class Recipe(ABC):
    """How a problem is generated anew; what it gives for one does not depend on the others."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return all that the results depend on beyond model, task and the bench's decoding.

        JSON values. Results are kept under a digest of them and of the recipe's class.
        """

    @abstractmethod
    def run(
        self, bench: "Bench", traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        """Generate for the problems of some traces, in order, and grade.

        Args:
            bench: The model, the grader and the decoding settings.
            traces: Whose ``prompt_ids`` to generate for; nothing else of them may be used but
                ``problem`` and, to grade, ``gold``.
            done: To be called as each problem ends, for the progress bar.
        """
