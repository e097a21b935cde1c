"""Whether the thinking has stated a solution (Solve-Detect-Verify, arXiv 2505.11966)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.signals.whole_words import whole_words
from probexit.exits.verifiers.base import Verifier

STATEMENTS = ("the answer is", "answer:", "final answer", "boxed", "therefore", "in conclusion")


@dataclass(frozen=True)
class Completion(Signal):
    """The number of completion points so far: steps whose text states a solution.

    The paper looks at hesitation words, asks the model whether its solution is complete, and has a
    trained verifier judge it. Here the step's own words say that it is complete; with a verifier, a
    completion point counts only if it confirms the one before it.

    Attributes:
        patterns: Phrases that state a solution, found as whole words in any case.
        verifier: Judges whether two completion points come to the same; None trusts each of them.
    """

    patterns: tuple[str, ...] = STATEMENTS
    verifier: Verifier | None = None

    def __post_init__(self) -> None:
        whole_words(self.patterns)  # refuses what is no list of words

    def scores(self, trace: Rollout) -> Tensor:
        counts: list[int] = []
        last: str | None = None
        for step, stated in zip(trace.cues.steps, self._stated(trace), strict=True):
            confirmed = stated and self._confirmed(last, step)
            counts.append((counts[-1] if counts else 0) + confirmed)
            last = step if stated else last
        return torch.tensor(counts, dtype=torch.float32)

    def cost(self, trace: Rollout) -> Tensor:
        spent: list[int] = []
        last: str | None = None
        for step, stated in zip(trace.cues.steps, self._stated(trace), strict=True):
            asked = stated and last is not None and self.verifier is not None
            spent.append(self.verifier.cost(last or "", step) if asked and self.verifier else 0)
            last = step if stated else last
        return torch.tensor(spent, dtype=torch.long)

    def _stated(self, trace: Rollout) -> list[bool]:
        pattern = whole_words(self.patterns)
        return [pattern.search(step) is not None for step in trace.cues.steps]

    def _confirmed(self, last: str | None, step: str) -> bool:
        if self.verifier is None:
            return True
        return last is not None and self.verifier.same(last, step)
