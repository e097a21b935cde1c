"""The sessions of one engine: one for each rule that some request is under."""

import math
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.server.request_options import RequestOptions
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.session import Session
from probexit.exits.production.digest import digest


@dataclass(frozen=True)
class Rule:
    """What decides on a request.

    Attributes:
        session: Decides.
        made: The controller that its decisions are logged as; an audited request runs under the
            same at a threshold of infinity.
        name: The digest of ``made``.
    """

    session: Session
    made: ExitController
    name: str


class Sessions:
    """Makes each rule once, the same in every process of the engine."""

    def __init__(self, settings: Settings, tokenizer: Any, limit: int, end: set[int]) -> None:
        """Make those that every request may ask for.

        Args:
            settings: The controllers.
            tokenizer: The model's.
            limit: The model's length.
            end: Tokens that end a sequence.

        Raises:
            ValueError: if a controller cannot run here.
        """
        self.settings, self.tokenizer, self.limit, self.end = settings, tokenizer, limit, end
        self._made: dict[tuple[Any, ...], Rule] = {}
        for alpha in (None, *settings.levels):  # what cannot be is said at the start
            self.rule(RequestOptions(alpha=alpha))

    def rule(
        self, options: RequestOptions, structured: bool = False, audited: bool = False
    ) -> Rule:
        """Return what decides on a request with these options.

        Args:
            options: What it asks for.
            structured: Whether a grammar writes its answer: only the closing tag is forced then.
            audited: Whether it thinks to the end, whatever the rule says.
        """
        key = (options.alpha, options.max_thinking, structured, audited)
        if key not in self._made:
            made = self._controller(options, structured)
            at_work = made.with_threshold(math.inf) if audited else made
            session = Session(at_work, self.tokenizer, self.limit, self.end)
            self._made[key] = Rule(session, made, digest(made))
        return self._made[key]

    def _controller(self, options: RequestOptions, structured: bool) -> ExitController:
        made = self.settings.controllers[0]
        if options.alpha is not None:
            made = self.settings.levels[options.alpha]
        if structured:
            made = replace(made, closing="")
        if options.max_thinking is not None:  # a budget beyond the model's length never binds
            room = self.limit - len(made.closing_ids(self.tokenizer)) - made.answer_tokens
            made = replace(made, max_thinking=min(options.max_thinking, room))
        return made
