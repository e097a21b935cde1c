"""What a finished request shows: where the rule left, and where other thresholds would have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Request, Written
from probexit.exits.production.audit import Audit
from probexit.exits.production.log import Decision
from probexit.exits.replay import NO_EXIT, exit_table, exits
from probexit.hooks.cues.reader import cue_positions
from probexit.hooks.think_tags import opens_thinking


class Bounds(Protocol):
    """What a look must know of the engine: an `Engine` is one."""

    @property
    def tokenizer(self) -> Any:
        """Its tokenizer."""

    @property
    def max_new_tokens(self) -> int:
        """Limit on generated tokens, thinking and answer together."""


@dataclass(frozen=True)
class ServedRequest:
    """A request that has been written.

    Attributes:
        backend: What wrote it.
        controller: The exit rule in service.
        request: The request.
        written: What was written, under the rule or, if audited, to the end.
    """

    backend: Bounds
    controller: ExitController
    request: Request
    written: Written

    @cached_property
    def at(self) -> list[int]:
        """Index of the token that completes each cue, where an exit leaves room for an answer."""
        tokenizer, tags = self.backend.tokenizer, self.controller.tags
        inside = opens_thinking(tokenizer, tags, self.request.prompt_ids)
        found = cue_positions(tokenizer, self.controller.cues, tags, self.written.token_ids, inside)
        room = len(self.controller.closing_ids(tokenizer)) + self.controller.answer_tokens
        latest = self.backend.max_new_tokens - room
        return [at for at in found[: len(self.written.scores)] if at + 1 <= latest]

    @property
    def scores(self) -> Tensor:
        """``[c]`` the scores at those cues."""
        return torch.tensor(self.written.scores[: len(self.at)], dtype=torch.float64)

    def left(self) -> int | None:
        """Return the cue at which the engine left."""
        return None if self.written.exit is None else self.written.exit.cue

    def replayed(self) -> int | None:
        """Return the cue at which the rule leaves a request that thought to the end."""
        return exits(self.controller.policy, [self.scores])[0]

    def examined(self, audit: Audit) -> list[int]:
        """Return the cues where some threshold of the audit or the rule's own leaves, ascending."""
        policy = self.controller.policy
        thresholds = sorted({*audit.grid, policy.threshold}, reverse=True)
        grid = torch.tensor(thresholds, dtype=torch.float64)
        table = exit_table(policy, [self.scores], grid)
        return sorted({*table.flatten().tolist()} - {NO_EXIT})

    def prefix(self, cue: int) -> list[int]:
        """Return prompt and thinking up to and with a cue."""
        return [*self.request.prompt_ids, *self.written.token_ids[: self.at[cue] + 1]]

    def refused(self) -> int:
        """Count the cues at which the rule wanted to leave but had no room for an answer."""
        history = torch.tensor([self.written.scores], dtype=torch.float64)
        late = range(len(self.at), len(self.written.scores))
        policy = self.controller.policy
        return sum(bool(policy.should_exit(history[:, : t + 1])) for t in late)

    def compared(
        self, answers: Mapping[int, list[int]], same: Callable[[str, str], bool]
    ) -> dict[int, bool]:
        """Tell of each cue's forced answer whether it agrees with the full run's."""
        full = self.full_answer()
        return {cue: same(full, self.exit_answer(ids)) for cue, ids in answers.items()}

    def decision(self, name: str, cue: int | None, audit: dict[int, bool] | None) -> Decision:
        """Return the log's line.

        Args:
            name: Digest of the controller.
            cue: Where the rule left, or would have left.
            audit: What ``compared`` found; None if not audited.
        """
        written = self.written
        return Decision(
            request=self.request.id,
            controller=name,
            scores=tuple(self.scores.tolist()),
            cue=cue,
            score=None if cue is None else written.scores[cue],
            refused=self.refused(),
            budget=written.exit is not None and written.exit.cue is None,
            tokens=len(written.token_ids),
            audit=audit,
        )

    def full_answer(self) -> str:
        """Return the text behind the thinking; "" if the thinking never ended."""
        text: str = self.backend.tokenizer.decode(self.written.token_ids)
        return self._plain(text.partition(self.controller.tags.close)[2])

    def exit_answer(self, answer_ids: list[int]) -> str:
        """Return the text behind the thinking of an exit with this answer."""
        return self._plain(self.controller.closing + self.backend.tokenizer.decode(answer_ids))

    def _plain(self, text: str) -> str:
        for token in self.backend.tokenizer.all_special_tokens:
            text = text.replace(token, "")
        return text
