"""The controller's place inside ``model.generate``: a logits processor, called after each pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.engines.base import SessionDriver
from probexit.exits.engines.cache import copied_rows
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.obedience import Obedience
from probexit.exits.engines.readings import TokensRead
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.exits.engines.trials import CacheBranches
from probexit.hooks.capture import Capture
from probexit.hooks.forward import given_cache, takes


class ExitProcessor(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Feeds the session after each forward pass and forces the tokens it asks for."""

    def __init__(
        self, session: Session, capture: Capture | None, given: dict[str, Any], model: Any
    ) -> None:
        """Prepare a call of ``generate`` with the keyword arguments ``given``."""
        self.session, self.model = session, model
        self.driver = SessionDriver(session, capture)
        self.mask: Tensor | None = given.get("attention_mask")
        self.cache = given_cache(given)
        self.obey = Obedience(session.end)
        self.rows: list[Row] = []
        self.running: list[Row | None] = []
        self._read: tuple[list[int | None], TokensRead] | None = None  # of the pass under way

    def before(self, ids: Tensor) -> None:
        """Read the newest tokens ``[b, 1]`` before their pass, once; say if its states are wanted.

        Prompts are left to ``__call__``, and so are the passes of trial answers within it.
        """
        if self._read is None and ids.shape == (len(self.running), 1):
            self._read = self._newest([token for (token,) in ids.tolist()])
            if self.driver.capture is not None:
                self.driver.capture.wanted = self._read[1].needs_states

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Take ``input_ids [b, t]`` and ``scores [b, V]``; return scores with orders applied."""
        self.driver.passed(len(input_ids))
        if not self.running:
            self.rows += [self.session.start(prompt) for prompt in self._prompts(input_ids)]
            self.running = list(self.rows)
            nothing: list[int | None] = [None] * len(self.rows)
            self._read = nothing, self.session.read(self.running, nothing)
        elif self._read is None:
            self._read = self._newest(input_ids[:, -1].tolist())
        tokens, read = self._read

        def fork(at: Sequence[int]) -> CacheBranches:
            return self._fork(at, input_ids)

        traced = self.session.tracing is not None  # nothing else reads the tokens on the device
        newest = input_ids[:, -1] if traced else None
        made = ForwardPass(self.running, tokens, scores, self.driver.states(), fork, newest)
        orders = self.session.step(made, read)
        self._read = None
        if self.driver.capture is not None:
            self.driver.capture.wanted = True
        return self.obey(scores, self.running, orders)

    def finished(self, written: Any) -> Any:
        """Check the rows of a call that has returned; return what it has ``written``.

        Raises:
            RuntimeError: if a cue was not decided on.
        """
        for row in self.rows:
            self.session.finish(row)
        return written

    def _newest(self, tokens: list[int | None]) -> tuple[list[int | None], TokensRead]:
        """Read the newest token of each row; return them with what they say."""
        for i, token in enumerate(tokens):
            if token in self.session.end:
                self.running[i] = None
        return tokens, self.session.read(self.running, tokens)

    def _fork(self, at: Sequence[int], input_ids: Tensor) -> CacheBranches:
        """Copy the cached rows ``at``; what stands in front of a row's prompt stays masked."""
        rows = torch.tensor(at, device=input_ids.device)
        mask = self._whole_mask(input_ids, rows)
        copied = copied_rows(self.cache, rows)
        # ``generate`` tells a model its positions only by name; else the model counts columns.
        told = takes(self.model, "position_ids")
        positions = mask.sum(1) - 1 if told else torch.full_like(rows, mask.shape[1] - 1)
        return CacheBranches(self.model, copied, mask, positions, self.driver.passed)

    def _whole_mask(self, input_ids: Tensor, rows: Tensor) -> Tensor:
        """Extend the prompts' mask ``[b, p]`` of some rows over what they generated."""
        mask = input_ids.new_ones(len(rows), input_ids.shape[1])
        if self.mask is not None:
            given = self.mask.to(mask)
            mask[:, : given.shape[1]] = given[rows // (len(input_ids) // len(given))]
        return mask

    def _prompts(self, input_ids: Tensor) -> list[list[int]]:
        if self.mask is None:
            return [list(ids) for ids in input_ids.tolist()]
        mask = self.mask.to(input_ids.device).bool()
        mask = mask.repeat_interleave(len(input_ids) // len(mask), 0)
        return [ids[keep].tolist() for ids, keep in zip(input_ids, mask, strict=True)]
