"""Production over ``model.generate``, with the controller attached to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Engine, Request, Written
from probexit.exits.engines.generate import attach
from probexit.hooks.end_ids import end_ids
from probexit.hooks.padding import padded


@dataclass(frozen=True)
class InGenerate(Engine):
    """``model.generate``, a batch at a time.

    Attributes:
        limit: Its ``max_new_tokens``.
        batch: Rows generated together.
        settings: Its other arguments, such as ``do_sample``.
    """

    limit: int = 640
    batch: int = 32
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def max_new_tokens(self) -> int:
        return self.limit

    def write(self, requests: Sequence[Request], controller: ExitController) -> list[Written]:
        found: list[Written] = []
        with attach(self.model, self.tokenizer, controller) as attachment:
            for first in range(0, len(requests), self.batch):
                prompts = [r.prompt_ids for r in requests[first : first + self.batch]]
                tokens = self._generate(prompts, max_new_tokens=self.limit, **self.settings)
                found += [
                    Written(ids, tuple(row.scores), row.exit)
                    for ids, row in zip(tokens, attachment.rows, strict=True)
                ]
        return found

    def answers(
        self, prefixes: Sequence[Sequence[int]], controller: ExitController
    ) -> list[list[int]]:
        closing, found = controller.closing_ids(self.tokenizer), []
        for first in range(0, len(prefixes), self.batch):
            found += self._generate(
                [[*prefix, *closing] for prefix in prefixes[first : first + self.batch]],
                max_new_tokens=controller.answer_tokens,
                min_new_tokens=1,  # an answer is never empty
                do_sample=False,
            )
        return found

    def _generate(self, prompts: Sequence[Sequence[int]], **settings: Any) -> list[list[int]]:
        """Pad on the left, generate, and cut each row behind its end."""
        ids, mask = padded(prompts, "left", self.tokenizer.pad_token_id or 0)
        device = self.model.device
        output = self.model.generate(
            input_ids=ids.to(device), attention_mask=mask.to(device), **settings
        )
        end = end_ids(self.model, self.tokenizer)
        return [_until(row, end) for row in output[:, ids.shape[1] :].tolist()]


def _until(row: list[int], end: set[int]) -> list[int]:
    stop = next((i + 1 for i, token in enumerate(row) if token in end), len(row))
    return row[:stop]
