"""The contract of an engine: what it must give a session at each pass, and what it gets back.

An engine runs a model token by token. Stopping inside it needs five things from each forward pass:

- **rows**: who stands at each place of the batch, ``Session.start(prompt)`` once per request;
- **newest token**: what each row has just consumed, None right after its prompt;
- **states**: a way to read ``[n, L, d]`` of that token at the layers the signal reads, and a count
  of the passes that made them, so that a hook that was skipped is an error and not a silent absence
  of exits;
- **logits** ``[b, V]`` for the next token;
- **fork**: a copy of chosen rows that can be written on; None where the engine has none, and then
  signals that decode trial answers are refused.

``ForwardPass`` holds them. It gets one **order** per row: the token to write next, ``ANSWER`` for
the likeliest token that ends nothing, or None for its own choice. It must obey orders to the letter
and decode greedily behind an exit (``row.exit``), as forced exits were recorded: ``Obedience`` does
so where tokens are drawn from scores. ``Engine`` is the other side, towards whoever serves
requests: write under a controller, and force answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.forward_pass import States
from probexit.exits.engines.row import Exit
from probexit.exits.engines.session import Session
from probexit.hooks.capture import Capture


class SessionDriver:
    """An engine's side of a session: counts its forward passes, and reads their states.

    Attributes:
        session: The controller at work; None generates without one.
        capture: Reads the states the signal needs; None if it reads none.
        steps: Forward passes since the capture was entered, those of trial answers included.
        rows_run: Rows in them, all together: what the run has cost.
    """

    def __init__(self, session: Session | None, capture: Capture | None) -> None:
        self.session, self.capture = session, capture
        self.steps = self.rows_run = 0

    def passed(self, rows: int) -> None:
        """Note a forward pass of ``rows`` rows."""
        self.steps += 1
        self.rows_run += rows

    def states(self) -> States | None:
        """Return what reads the states of this very pass; a hook that did not fire is noticed now.

        Raises:
            CaptureError: if states are needed and a hook did not fire in every pass.
        """
        if self.capture is None:
            return None
        self.capture.check(self.steps)
        return self.capture.last


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
class Engine(ABC):
    """A model in an engine, as those who serve requests see it.

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
