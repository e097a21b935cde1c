"""The contract of a mode: what is done when the rule would let a token leave."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class Mode(ABC):
    """Says what to do when the rule would let a token leave.

    Attributes:
        lossless: The text that comes out is the full model's.
        live: Tokens are let go before the full model's token is known.
        batched: Several prompts run at once.
        steady: Each pass decides on one token that is then written, so a reasoning controller,
            which counts passes, can work inside.
        reads_exits: A token that leaves is read at its exit, so heads with words of their own can
            be used.
        whole_texts: One exit serves all tokens of a text, so heads that attend can be used.
    """

    @property
    @abstractmethod
    def lossless(self) -> bool: ...

    @property
    def live(self) -> bool:
        return True

    @property
    def batched(self) -> bool:
        return False

    @property
    def steady(self) -> bool:
        return True

    @property
    def reads_exits(self) -> bool:
        return False

    @property
    def whole_texts(self) -> bool:
        return False

    def with_drafts(self, drafts: int) -> Self:
        """Return the mode at that many drafts per verification; itself if it drafts nothing."""
        return self

    @abstractmethod
    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        """Prepare for one model.

        Raises:
            ValueError: if the model has no such layers.
        """
