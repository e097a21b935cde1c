"""The contract between production and an engine: write under a controller, and force answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.session import Exit


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        id: Its name in the log; decides whether it is audited, and seeds its sampling.
        prompt_ids: Its prompt's tokens.
    """

    id: str
    prompt_ids: Sequence[int]


@dataclass(frozen=True)
class Written:
    """What an engine wrote for one request.

    Attributes:
        token_ids: Generated tokens.
        scores: The signal at the cues seen.
        exit: Where the controller left, if it did.
    """

    token_ids: list[int]
    scores: tuple[float, ...]
    exit: Exit | None


@dataclass(frozen=True)
class Backend(ABC):
    """A model behind one of the engines.

    Attributes:
        model: The model.
        tokenizer: Its tokenizer.
    """

    model: Any
    tokenizer: Any

    @property
    @abstractmethod
    def max_new_tokens(self) -> int:
        """Limit on generated tokens, thinking and answer together."""

    @abstractmethod
    def write(self, requests: Sequence[Request], controller: ExitController) -> list[Written]:
        """Generate for every request under a controller."""

    @abstractmethod
    def answers(
        self, prefixes: Sequence[Sequence[int]], controller: ExitController
    ) -> list[list[int]]:
        """Leave at the end of each prefix: return the answer's tokens behind the closing text.

        Greedy, never empty, at most ``controller.answer_tokens``: what a live exit there writes.
        """
