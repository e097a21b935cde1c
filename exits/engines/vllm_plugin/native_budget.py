"""vLLM's own thinking budgets (``thinking_token_budget``) beside a controller."""

from collections.abc import Sequence
from typing import Any


def release(runner: Any, at: Sequence[int]) -> None:
    """Take rows that left from vLLM's own budget; whichever ends the thinking first, ends it.

    vLLM forces its end behind all logits processors, and goes on counting where the thinking was
    closed by other words than its own: it would break a closing text, or an answer.
    """
    budgets = getattr(runner.input_batch, "thinking_budget_state_holder", None)
    if budgets is not None:
        for row in at:
            budgets._state.pop(row, None)
