"""The contract of a judge of a drafted reasoning step, and the judge that needs no prompt."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Draft:
    """A step that the small model wrote, as the large one sees it.

    Attributes:
        text: What it says.
        ids: Its tokens.
        logprobs: ``[m]`` their log-probabilities under the large model (temperature 1).
        before: Tokens that stand before it: the prompt with the question, and the steps kept.
        prompt: How many of these are the prompt.
        model: The large model.
        tokenizer: That of both models.
    """

    text: str
    ids: tuple[int, ...]
    logprobs: Tensor
    before: Sequence[int] = ()
    prompt: int = 0
    model: Any = None
    tokenizer: Any = None


@dataclass(frozen=True)
class StepScore:
    """What a judge found.

    Attributes:
        score: Larger = better.
        read: Tokens that the large model read for it, beyond the step itself.
    """

    score: float
    read: int = 0


class Judge(ABC):
    """Says how good a drafted step is."""

    @abstractmethod
    def judge(self, draft: Draft) -> StepScore:
        """Return the score of a step, and what it took."""


@dataclass(frozen=True)
class Likelihood(Judge):
    """The geometric mean probability of the step's tokens under the large model, in (0, 1].

    It costs nothing: the large model has to read the step anyway.
    """

    def judge(self, draft: Draft) -> StepScore:
        return StepScore(float(draft.logprobs.mean().exp()))
