"""The controller's place inside ``model.generate``: a logits processor, called after each pass."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.engines.base import SessionDriver, obeyed
from probexit.exits.engines.cache import copied_rows
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
        self.rows: list[Row] = []
        self.running: list[Row | None] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Take ``input_ids [b, t]`` and ``scores [b, V]``; return scores with orders applied."""
        self.driver.passed(len(input_ids))
        tokens: list[int | None] = [None] * len(input_ids)
        if not self.running:
            self.rows += [self.session.start(prompt) for prompt in self._prompts(input_ids)]
            self.running = list(self.rows)
        else:
            tokens = list(input_ids[:, -1].tolist())
            for i, token in enumerate(tokens):
                if token in self.session.end:
                    self.running[i] = None

        def fork(at: Sequence[int]) -> CacheBranches:
            return self._fork(at, input_ids)

        forced = self.driver.orders(self.running, tokens, scores, fork)
        return obeyed(scores, self.running, forced)

    def _fork(self, at: Sequence[int], input_ids: Tensor) -> CacheBranches:
        """Copy the cached rows ``at``; what stands in front of a row's prompt stays masked."""
        rows = torch.tensor(at, device=input_ids.device)
        mask = self._whole_mask(input_ids)[rows]
        copied = copied_rows(self.cache, rows)
        # ``generate`` tells a model its positions only by name; else the model counts columns.
        told = takes(self.model, "position_ids")
        positions = mask.sum(1) - 1 if told else torch.full_like(rows, mask.shape[1] - 1)
        return CacheBranches(self.model, copied, mask, positions, self.driver.passed)

    def _whole_mask(self, input_ids: Tensor) -> Tensor:
        """Extend the prompt's mask ``[b, p]`` over what was generated."""
        mask = torch.ones_like(input_ids)
        if self.mask is not None:
            given = self.mask.to(mask)
            mask[:, : given.shape[1]] = given.repeat_interleave(len(mask) // len(given), 0)
        return mask

    def _prompts(self, input_ids: Tensor) -> list[list[int]]:
        if self.mask is None:
            return [list(ids) for ids in input_ids.tolist()]
        mask = self.mask.to(input_ids.device).bool()
        mask = mask.repeat_interleave(len(input_ids) // len(mask), 0)
        return [ids[keep].tolist() for ids, keep in zip(input_ids, mask, strict=True)]
