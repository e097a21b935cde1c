"""The controller at work on running rows; every engine feeds it tokens and obeys its answer.

An engine calls ``step`` once after each forward pass, with the token that each row has just
consumed, its hidden states and its next-token logits. ``step`` says which token each row must
write next, if any. As all engines share this file, they leave at the same tokens.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.signals.base import Moment
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.think_tags import opens_thinking

ANSWER = -1  # stands for the answer's first token, which the model chooses but must not leave out


@dataclass(frozen=True)
class Exit:
    """Where a row left its thinking.

    Attributes:
        thinking: Thinking tokens written before the closing tag.
        cue: Index of the cue it left at; None if the thinking budget closed it.
        score: The signal's score there; None likewise.
    """

    thinking: int
    cue: int | None = None
    score: float | None = None


@dataclass
class Row:
    """One row of a running batch.

    Attributes:
        reader: Follows its text and finds its cues.
        scores: The signal at its cues so far.
        forced: Tokens it still has to write to close its thinking, then ``ANSWER``.
        exit: Where it left, if it did.
        written: Tokens generated so far.
        refused: Exits not taken because no room for an answer was left.
    """

    reader: CueReader
    scores: list[float] = field(default_factory=list)
    forced: deque[int] = field(default_factory=deque)
    exit: Exit | None = None
    written: int = 0
    refused: int = 0


class Session:
    """A controller attached to one generation run."""

    def __init__(
        self,
        controller: ExitController,
        tokenizer: Any,
        max_new_tokens: int,
        end: Collection[int] = (),
    ) -> None:
        """Prepare a run; ``end`` are the tokens that end a sequence.

        Raises:
            ValueError: if ``max_new_tokens`` leaves no room for an answer after ``max_thinking``.
        """
        self.controller = controller
        self.tokenizer = tokenizer
        self.closing = controller.closing_ids(tokenizer)
        self.end = sorted(end)
        self.latest = max_new_tokens - len(self.closing) - controller.answer_tokens
        limit = controller.max_thinking
        if limit is not None and limit > self.latest:
            raise ValueError(
                f"max_new_tokens={max_new_tokens} leaves no room for an answer after "
                f"max_thinking={limit}: give at least "
                f"{limit + len(self.closing) + controller.answer_tokens}"
            )
        self.cues = 0
        self.decisions = 0

    def start(self, prompt_ids: Sequence[int]) -> Row:
        """Open a row; its thinking may have begun in the prompt."""
        tags = self.controller.tags
        inside = opens_thinking(self.tokenizer, tags, prompt_ids)
        return Row(CueReader(self.tokenizer, self.controller.cues, tags, inside))

    def step(
        self,
        rows: Sequence[Row | None],
        tokens: Sequence[int | None],
        hidden: Tensor | None,
        logits: Tensor,
    ) -> list[int | None]:
        """Follow one forward pass.

        Args:
            rows: ``b`` rows; None where the batch holds a finished one.
            tokens: The generated token each row has just consumed; None right after the prompt.
            hidden: ``[b, L, d]`` at the signal's layers, or None if it reads none.
            logits: ``[b, V]``.

        Returns:
            The token each row must write next, or None for a free choice.
        """
        at_cue = [
            i
            for i, (row, token) in enumerate(zip(rows, tokens, strict=True))
            if row is not None and token is not None and self._feed(row, token)
        ]
        if at_cue:
            self._decide(at_cue, rows, hidden, logits)
        return [
            self._order(row, logits[i]) if row and row.forced else None
            for i, row in enumerate(rows)
        ]

    def _order(self, row: Row, logits: Tensor) -> int:
        """Say what a row that left writes next; its answer is never empty."""
        order = row.forced.popleft()
        return first_of_answer(logits, self.end) if order == ANSWER else order

    def _feed(self, row: Row, token: int) -> bool:
        """Let a row consume a token; True if it now stands at a cue where it may leave."""
        row.written += 1
        if row.exit is not None:
            return False
        cue = row.reader.feed(token)
        thinks = row.reader.inside and not row.reader.muted  # never leave inside a tool call
        if thinks and not cue and self._over_budget(row):
            self._leave(row, None)
        return cue

    def _over_budget(self, row: Row) -> bool:
        limit = self.controller.max_thinking
        return limit is not None and row.reader.thinking >= limit

    def _decide(
        self, at: list[int], rows: Sequence[Row | None], hidden: Tensor | None, logits: Tensor
    ) -> None:
        here = [row for i in at if (row := rows[i]) is not None]
        index = torch.tensor(at, device=logits.device)
        moment = Moment(
            hidden=hidden[index] if hidden is not None else logits.new_zeros(len(at), 0, 0),
            logits=logits[index],
            cues_seen=torch.tensor([len(row.scores) + 1 for row in here]),
            thinking=torch.tensor([row.reader.thinking for row in here]),
        )
        scores = self.controller.signal.live(moment).tolist()
        self.cues += len(here)
        self.decisions += len(scores)
        for row, score in zip(here, scores, strict=True):
            row.scores.append(score)
            history = torch.tensor([row.scores], dtype=torch.float64)
            if bool(self.controller.policy.should_exit(history)):
                self._leave(row, score)
            elif self._over_budget(row):
                self._leave(row, None)

    def _leave(self, row: Row, score: float | None) -> None:
        if row.written > self.latest:
            row.refused += 1
            return
        cue = None if score is None else len(row.scores) - 1
        row.exit = Exit(row.reader.thinking, cue, score)
        row.forced.extend([*self.closing, ANSWER])


def first_of_answer(logits: Tensor, end: Collection[int]) -> int:
    """Return the likeliest token of ``logits [V]`` that does not end the sequence."""
    allowed = logits.clone()
    allowed[list(end)] = float("-inf")
    return int(allowed.argmax())
