"""Production over the own loop: rows leave the batch and others take their place."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Engine, Request, Written
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.obedience import ANSWER
from probexit.exits.engines.row import Exit, Row
from probexit.exits.engines.session import Session
from probexit.exits.production.audit import draw


@dataclass(frozen=True)
class InLoop(Engine):
    """The own loop.

    Attributes:
        decoding: How to generate; a request's random numbers come from its id.
    """

    decoding: Decoding = field(default_factory=Decoding)

    @property
    def max_new_tokens(self) -> int:
        return self.decoding.max_new_tokens

    def write(self, requests: Sequence[Request], controller: ExitController) -> list[Written]:
        loop = Loop(self.model, self.tokenizer, controller, self.decoding)
        prompts = [request.prompt_ids for request in requests]
        done = loop.run(prompts, [draw(request.id) for request in requests])
        return [Written(one.token_ids, one.scores, one.exit) for one in done]

    def answers(
        self, prefixes: Sequence[Sequence[int]], controller: ExitController
    ) -> list[list[int]]:
        closing = len(controller.closing_ids(self.tokenizer))
        room = replace(self.decoding, max_new_tokens=closing + controller.answer_tokens)
        loop = Loop(self.model, self.tokenizer, None, room)
        loop.session = _Left(controller, self.tokenizer, self.max_new_tokens, loop.eos)
        return [done.token_ids[closing:] for done in loop.run(prefixes)]


class _Left(Session):
    """A session whose rows have left already: they only close their thinking and answer."""

    def start(self, prompt_ids: Sequence[int], max_new_tokens: int | None = None) -> Row:
        row = super().start(prompt_ids, max_new_tokens)
        row.exit = Exit(row.reader.thinking)
        row.forced.extend([*self.closing, ANSWER])
        return row
