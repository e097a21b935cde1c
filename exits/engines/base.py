"""The contract of an engine: what it must give a session at each pass, and what it gets back.

An engine runs a model token by token. Stopping inside it needs five things from each forward pass:

- **rows**: who stands at each place of the batch, ``Session.start(prompt)`` once per request;
- **newest token**: what each row has just consumed, None right after its prompt;
- **states**: ``[b, L, d]`` of that token at the layers the signal reads, and a count of the passes
  that made them, so that a hook that was skipped is an error and not a silent absence of exits;
- **logits** ``[b, V]`` for the next token;
- **fork**: a copy of chosen rows that can be written on; None where the engine has none, and then
  signals that decode trial answers are refused.

It gets one **order** per row: the token to write next, or None for its own choice. It must obey
orders to the letter and decode greedily behind an exit (``row.exit``), as forced exits were
recorded. ``SessionDriver`` is that side of the bargain, written once. ``Engine`` is the other side,
towards whoever serves requests: write under a controller, and force answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.row import Exit, Row
from probexit.exits.engines.session import Session
from probexit.exits.engines.trials import Fork
from probexit.hooks.capture import Capture


class SessionDriver:
    """An engine's side of a session: counts forward passes and asks for orders after each.

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

    def orders(
        self,
        rows: Sequence[Row | None],
        tokens: Sequence[int | None],
        logits: Tensor,
        fork: Fork | None = None,
    ) -> list[int | None]:
        """Return the token each row must write next, None for a free choice.

        Args:
            rows: ``b`` rows as the batch holds them; None where one has finished.
            tokens: What each has just consumed; None right after its prompt.
            logits: ``[b, V]`` of the pass just made, already noted by ``passed``.
            fork: Copies rows; None if this engine cannot.

        Raises:
            CaptureError: if states were needed and a hook did not fire in every pass.
            ValueError: if the signal needs trial answers and the engine cannot fork.
        """
        if self.session is None:
            return [None] * len(rows)
        return self.session.step(rows, tokens, self._states(), logits, fork)

    def _states(self) -> Tensor | None:
        """Return the states of this very pass; a hook that did not fire is noticed at once."""
        if self.capture is None:
            return None
        self.capture.check(self.steps)
        return self.capture.last()


def obeyed(scores: Tensor, rows: Sequence[Row | None], orders: Sequence[int | None]) -> Tensor:
    """Leave one token to rows that are told what to write, or that answer after an exit.

    Args:
        scores: ``[b, V]``.
        rows: Their rows.
        orders: What ``SessionDriver.orders`` or ``Session.step`` returned.
    """
    left = [i for i, row in enumerate(rows) if row is not None and row.exit is not None]
    if not left:
        return scores
    told = [orders[i] for i in left]
    free = [k for k, order in enumerate(told) if order is None]
    only = torch.tensor([-1 if order is None else order for order in told], device=scores.device)
    where = torch.tensor(left, device=scores.device)
    if free:
        chosen = torch.tensor(free, device=scores.device)
        only[chosen] = scores[where[chosen]].argmax(-1)
    scores = scores.clone()
    scores[where] = float("-inf")
    scores[where, only] = 0.0
    return scores


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
