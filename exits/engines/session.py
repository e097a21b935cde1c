"""The controller at work on running rows; every engine feeds it tokens and obeys its answer.

An engine calls ``step`` once after each forward pass, with the token that each row has just
consumed, its hidden states and its next-token logits. ``step`` says which token each row must
write next, if any. As all engines share this file, they leave at the same tokens.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.history import History
from probexit.exits.engines.row import Exit, Row
from probexit.exits.engines.summaries import confidence, entropy
from probexit.exits.engines.trials import Fork, TrialAnswer, Trials
from probexit.exits.signals.base import CueState, Trial
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.think_tags import opens_thinking

ANSWER = -1  # stands for the answer's first token, which the model chooses but must not leave out


class Session:
    """A controller attached to one generation run.

    Attributes:
        extract: Reads the answer out of the text of a trial, closing text included; by default all
            behind the closing text. Give it a task's ``extract`` for a signal that compares
            answers, so that they are read as they were when the run was recorded.
    """

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
        self.max_new_tokens = max_new_tokens
        self.latest = self._latest(max_new_tokens)
        limit = controller.max_thinking
        if limit is not None and limit > self.latest:
            raise ValueError(
                f"max_new_tokens={max_new_tokens} leaves no room for an answer after "
                f"max_thinking={limit}: give at least "
                f"{limit + len(self.closing) + controller.answer_tokens}"
            )
        self.cues = 0
        self.decisions = 0
        self.extract: Callable[[str], str] = self._behind_closing
        wanted = controller.signal.trial
        self.trials = Trials(
            self.closing,
            self.end,
            controller.answer_tokens if wanted is Trial.ANSWER else 0,
            self._read,
        )

    def start(self, prompt_ids: Sequence[int], max_new_tokens: int | None = None) -> Row:
        """Open a row; its thinking may have begun in the prompt.

        Args:
            prompt_ids: Its prompt.
            max_new_tokens: Its own limit, where requests have different ones.
        """
        tags = self.controller.tags
        inside = opens_thinking(self.tokenizer, tags, prompt_ids)
        reader = CueReader(self.tokenizer, self.controller.cues, tags, inside)
        prompt = torch.as_tensor(list(prompt_ids))
        history = History(self.tokenizer, prompt, 0 if inside else None)
        limit = self.latest if max_new_tokens is None else self._latest(max_new_tokens)
        return Row(reader, history, latest=limit)

    def _latest(self, max_new_tokens: int) -> int:
        return max_new_tokens - len(self.closing) - self.controller.answer_tokens

    def step(
        self,
        rows: Sequence[Row | None],
        tokens: Sequence[int | None],
        hidden: Tensor | None,
        logits: Tensor,
        fork: Fork | None = None,
    ) -> list[int | None]:
        """Follow one forward pass.

        Args:
            rows: ``b`` rows; None where the batch holds a finished one.
            tokens: The generated token each row has just consumed; None right after the prompt.
            hidden: ``[b, L, d]`` at the signal's layers, or None if it reads none.
            logits: ``[b, V]``.
            fork: Copies rows, for signals that need a trial answer.

        Returns:
            The token each row must write next, or None for a free choice.

        Raises:
            ValueError: if the signal needs trial answers and the engine cannot fork.
        """
        for row, token in zip(rows, tokens, strict=True):
            if row is not None and token is None:
                self._keep_budget(row)  # a budget of nought closes what the prompt opened
        traced = self.controller.signal.traced
        at_cue = [
            i
            for i, (row, token) in enumerate(zip(rows, tokens, strict=True))
            if row is not None
            and token is not None
            and self._feed(row, token, hidden[i] if traced and hidden is not None else None)
        ]
        if self.controller.signal.per_token:
            self._foresee(rows, logits)
        if at_cue:
            if traced:
                self._read_cues(at_cue, rows, hidden, logits)
                self._try(at_cue, rows, fork)
            self._decide(at_cue, rows, hidden, logits)
        return [
            self._order(row, logits[i]) if row and row.forced else None
            for i, row in enumerate(rows)
        ]

    def _order(self, row: Row, logits: Tensor) -> int:
        """Say what a row that left writes next; its answer is never empty."""
        order = row.forced.popleft()
        return first_of_answer(logits, self.end) if order == ANSWER else order

    def _feed(self, row: Row, token: int, hidden: Tensor | None) -> bool:
        """Let a row consume a token; True if it now stands at a cue where it may leave."""
        row.written += 1
        if row.exit is not None:
            return False
        row.history.feed(token, hidden)
        cue = row.reader.feed(token)
        if row.reader.inside and row.history.begins is None:
            row.history.begins = len(row.history.ids)
        if not cue:
            self._keep_budget(row)
        return cue

    def _keep_budget(self, row: Row) -> None:
        """Close a thinking that is over its budget, but not inside a tool call or a tag."""
        reader = row.reader
        if reader.inside and not reader.muted and not reader.in_tag and self._over_budget(row):
            self._leave(row, None)

    def _over_budget(self, row: Row) -> bool:
        limit = self.controller.max_thinking
        return limit is not None and row.reader.thinking >= limit

    def _foresee(self, rows: Sequence[Row | None], logits: Tensor) -> None:
        logprobs = logits.float().log_softmax(-1)
        notes = torch.stack([entropy(logprobs), confidence(logprobs)], 1).tolist()
        for row, own, (row_entropy, row_confidence) in zip(rows, logprobs, notes, strict=True):
            if row is not None and row.exit is None and row.reader.inside:
                row.history.foresee(own, row_entropy, row_confidence)

    def _read_cues(
        self, at: list[int], rows: Sequence[Row | None], hidden: Tensor | None, logits: Tensor
    ) -> None:
        none = logits.new_zeros(0, 0)
        for i in at:
            if (row := rows[i]) is not None:
                row.history.at_cue(
                    none if hidden is None else hidden[i], logits[i], self.closing[0]
                )

    def _try(self, at: list[int], rows: Sequence[Row | None], fork: Fork | None) -> None:
        """Decode a trial answer on a fork of each row that its signal wants one of."""
        signal = self.controller.signal
        if signal.trial is Trial.NONE:
            return
        if fork is None:
            raise ValueError(
                f"{type(signal).__name__} needs a trial answer decoded at each cue, which this "
                "engine does not do: use the own loop or attach"
            )
        wanting = [
            (i, row)
            for i in at
            if (row := rows[i]) is not None and bool(signal.trials(row.history.trace())[-1])
        ]
        made = self.trials.decode(fork([i for i, _ in wanting]), len(wanting)) if wanting else []
        found = dict(zip((i for i, _ in wanting), made, strict=True))
        for i in at:
            if (row := rows[i]) is not None:
                answer = found.get(i, TrialAnswer())
                row.history.answers.append(answer)
                row.probed += len(answer.ids) + (len(self.closing) if i in found else 0)

    def _read(self, ids: Sequence[int]) -> str:
        text = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return self.extract(self.controller.closing + text)

    def _behind_closing(self, text: str) -> str:
        return text.removeprefix(self.controller.closing).strip()

    def _decide(
        self, at: list[int], rows: Sequence[Row | None], hidden: Tensor | None, logits: Tensor
    ) -> None:
        here = [row for i in at if (row := rows[i]) is not None]
        index = torch.tensor(at, device=logits.device)
        state = CueState(
            hidden=hidden[index] if hidden is not None else logits.new_zeros(len(at), 0, 0),
            logits=logits[index],
            cues_seen=torch.tensor([len(row.seen) + 1 for row in here]),
            thinking=torch.tensor([row.reader.thinking for row in here]),
            history=lambda: [row.history.trace() for row in here],
        )
        scores = self.controller.signal.live(state).tolist()
        self.cues += len(here)
        self.decisions += len(scores)
        for row, score in zip(here, scores, strict=True):
            row.seen.append(score)
            if bool(self.controller.policy.should_exit(row.seen.history())):
                self._leave(row, score)
            elif self._over_budget(row):
                self._leave(row, None)

    def _leave(self, row: Row, score: float | None) -> None:
        if row.written > row.latest:
            row.refused += 1
            return
        cue = None if score is None else len(row.seen) - 1
        row.exit = Exit(row.reader.thinking, cue, score)
        row.forced.extend([*self.closing, ANSWER])


def first_of_answer(logits: Tensor, end: Collection[int]) -> int:
    """Return the likeliest token of ``logits [V]`` that does not end the sequence."""
    allowed = logits.clone()
    allowed[list(end)] = float("-inf")
    return int(allowed.argmax())
