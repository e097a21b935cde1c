"""The contract of a mode, and of a mode at work on one model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

from probexit.exits.depth.gates import Handler
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace


@dataclass
class Running:
    """A mode at work.

    Attributes:
        handler: Stands between the model and its layers.
        trace: What happened at each step so far.
        arguments: Given to ``generate`` besides the caller's own; lists are appended to.
    """

    handler: Handler
    trace: DepthTrace
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Mode(ABC):
    """Says what to do when the rule would let a token leave.

    Attributes:
        lossless: The text that comes out is the full model's.
        live: Tokens are let go before the full model's token is known.
        batched: Several prompts run at once.
        steady: Each pass decides on one token that is then written, so a reasoning controller,
            which counts passes, can work inside.
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

    def with_drafts(self, drafts: int) -> Self:
        """Return the mode at that many drafts per verification; itself if it drafts nothing."""
        return self

    @abstractmethod
    def start(self, model: Any, rule: ExitRule) -> Running:
        """Prepare for one model."""
