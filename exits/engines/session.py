"""The controller at work on running rows; every engine feeds it tokens and obeys its answer.

An engine calls ``step`` once after each forward pass with what the pass gave (``ForwardPass``).
``step`` says which token each row must write next, if any. As all engines share this file, they
leave at the same tokens. What is read back from the device is read for all rows together, and only
where a row stands at a cue.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.history import History
from probexit.exits.engines.obedience import ANSWER
from probexit.exits.engines.readings import NOTHING, Looked, TokensRead
from probexit.exits.engines.row import Exit, Row
from probexit.exits.engines.tracing import Tracing
from probexit.exits.engines.trials import Fork, TrialAnswer, Trials
from probexit.exits.signals.base import CueState, Trial
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.think_tags import opens_thinking


class Session:
    """A controller attached to one generation run.

    What is read and what is decided is counted here, for all engines: cues against decisions, row
    by row, and states against the rows and layers asked for.

    Attributes:
        cues: Cues that rows stood at, all together, and ``decisions`` on them.
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
        self.end = frozenset(end)
        self.max_new_tokens = max_new_tokens
        self.latest = self._latest(max_new_tokens)
        limit = controller.max_thinking
        if limit is not None and limit > self.latest:
            raise ValueError(
                f"max_new_tokens={max_new_tokens} leaves no room for an answer after "
                f"max_thinking={limit}: give at least "
                f"{limit + len(self.closing) + controller.answer_tokens}"
            )
        self.cues = self.decisions = 0
        self.extract: Callable[[str], str] = self._behind_closing
        signal = controller.signal
        self.tracing = Tracing(signal, self.closing[0]) if signal.traced else None
        wanted = signal.trial
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

    def step(self, made: ForwardPass, read: TokensRead | None = None) -> list[int | None]:
        """Follow one forward pass.

        Args:
            made: What the pass gave.
            read: What ``read`` found in its tokens, if it was asked before.

        Returns:
            For each row the token that it must write next, ``ANSWER``, or None for a free choice.

        Raises:
            ValueError: if the signal needs trial answers and the engine cannot fork.
        """
        read = read or self.read(made.rows, made.tokens)
        if not read.at and self.tracing is None:  # nothing to look at, as at most steps
            return self.orders(made, NOTHING, [])
        looked = self.look(made, read)
        return self.orders(made, looked, looked.scores.tolist() if looked.at else [])

    def look(self, made: ForwardPass, read: TokensRead) -> Looked:
        """Measure the signal of all rows at a cue; ``orders`` decides with what was measured.

        An engine that reads something else back from the device copies the scores with it.

        Raises:
            ValueError: if the signal needs trial answers and the engine cannot fork.
        """
        at = read.at
        if self.tracing is not None:
            self.tracing.follow(made, read.thinking)
        if not at:
            return Looked((), made.logits[:0, 0])
        rows = [row for i in at if (row := made.rows[i]) is not None]
        if self.tracing is not None:
            self.tracing.read(rows, at, made)
            self._try(at, rows, made.fork)
        return Looked(at, self.controller.signal.live(self._state(at, rows, made)))

    def orders(
        self, made: ForwardPass, looked: Looked, scores: Sequence[float]
    ) -> list[int | None]:
        """Decide with the scores of the rows looked at, on the host; return as ``step`` does."""
        self.decisions += len(scores)
        for i, score in zip(looked.at, scores, strict=True):
            if (row := made.rows[i]) is not None:
                self._decide(row, score)
        return [row.forced.popleft() if row and row.forced else None for row in made.rows]

    def read(self, rows: Sequence[Row | None], tokens: Sequence[int | None]) -> TokensRead:
        """Feed each row the token that a pass consumes; best before the pass, which may wait.

        Args:
            rows: ``b`` rows, as in ``ForwardPass``.
            tokens: Their tokens, likewise.

        Raises:
            RuntimeError: if a cue before these tokens was not decided on.
        """
        thinking: list[int] = []
        at: list[int] = []
        for i, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if row is None:
                continue
            row.check()
            if token is None:
                self._keep_budget(row)  # a budget of nought closes what the prompt opened
                continue
            row.written += 1
            if row.exit is not None:
                continue
            if row.history.begins is not None:
                thinking.append(i)
            if self._feed(row, token):
                at.append(i)
        self.cues += len(at)
        summed = self.tracing is not None and bool(self.controller.signal.layers)
        return TokensRead(thinking, at, bool(at) or (summed and bool(thinking)))

    def finish(self, row: Row) -> None:
        """Take leave of a row that has ended; every engine does so for each that it started.

        Raises:
            RuntimeError: if a cue that it stood at was not decided on.
        """
        row.check()

    def _feed(self, row: Row, token: int) -> bool:
        """Let a row consume a token; True if it now stands at a cue where it may leave."""
        row.history.feed(token)
        cue = row.reader.feed(token)
        if row.history.begins is None and row.reader.inside:
            row.history.begins = len(row.history.ids)
        if cue:
            row.cues += 1
        else:
            self._keep_budget(row)
        return cue

    def _keep_budget(self, row: Row) -> None:
        """Close a thinking that is over its budget, but not inside a tool call or a tag."""
        if not self._over_budget(row):
            return
        reader = row.reader
        if reader.inside and not reader.muted and not reader.in_tag:
            self._leave(row, None)

    def _over_budget(self, row: Row) -> bool:
        limit = self.controller.max_thinking
        return limit is not None and row.reader.thinking >= limit

    def _state(self, at: Sequence[int], rows: Sequence[Row], made: ForwardPass) -> CueState:
        return CueState(
            hidden=made.states_of(at, self.controller.signal.layers),
            logits=made.logits_of(at),
            thinking=[row.reader.thinking for row in rows],
            history=lambda: [row.history.trace() for row in rows],
        )

    def _try(self, at: Sequence[int], rows: Sequence[Row], fork: Fork | None) -> None:
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
            i
            for i, row in zip(at, rows, strict=True)
            if bool(signal.trials(row.history.trace())[-1])
        ]
        made = self.trials.decode(fork(wanting), len(wanting)) if wanting else []
        found = dict(zip(wanting, made, strict=True))
        for i, row in zip(at, rows, strict=True):
            answer = found.get(i, TrialAnswer())
            row.history.answers.append(answer)
            row.probed += len(answer.ids) + (len(self.closing) if i in found else 0)

    def _read(self, ids: Sequence[int]) -> str:
        text = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return self.extract(self.controller.closing + text)

    def _behind_closing(self, text: str) -> str:
        return text.removeprefix(self.controller.closing).strip()

    def _decide(self, row: Row, score: float) -> None:
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
