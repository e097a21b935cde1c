"""The contract of a judge of a drafted reasoning step, and the judge that needs no prompt."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Draft:
    """A step that the small model wrote, as the large one sees it.

    Attributes:
        text: What it says.
        ids: Its tokens.
        logprobs: ``[m]`` their log-probabilities under the large model (temperature 1).
    """

    text: str
    ids: tuple[int, ...]
    logprobs: Tensor


class Judge(ABC):
    """Says how good a drafted step is; larger = better."""

    @abstractmethod
    def score(self, draft: Draft) -> float:
        """Return the score of a step."""


@dataclass(frozen=True)
class Likelihood(Judge):
    """The geometric mean probability of the step's tokens under the large model, in (0, 1]."""

    def score(self, draft: Draft) -> float:
        return float(draft.logprobs.mean().exp())
