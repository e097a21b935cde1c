"""The contract of an intervention: it changes next-token logits, inside the thinking only.

::

    rule = EndBoost().bind(tokenizer, tags)
    Loop(model, tokenizer, controller, decoding, processors=[rule])      # the own loop
    model.generate(**inputs, logits_processor=[InGenerate(rule)])        # transformers

Both work together with an exit controller, and the tokens that it forces win. In the loop its
signal reads the model's own logits; inside ``attach`` transformers hands it the changed ones, which
matters to signals that read logits and to no others.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.interventions.thinking_rows import ThinkingRows
from probexit.hooks.think_tags import ThinkTags

Ids = Sequence[int]
Change = Callable[[Sequence[Ids], Tensor], Tensor]


@dataclass(frozen=True)
class Intervention(ABC):
    """A change of the logits of rows that think; fields are its configuration.

    Every member has a field ``strength``, at least 0; 0 changes nothing. What a row is given
    depends on that row alone.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a negative strength.

        Raises:
            ValueError: naming it.
        """
        if not self.strength >= 0:
            raise ValueError(f"strength={self.strength} must be at least 0, which does nothing")

    @abstractmethod
    def change(self, tokenizer: Any, tags: ThinkTags) -> Change:
        """Return the change for one tokenizer.

        It takes the ids of ``r`` rows that think (prompt and generated) and their logits
        ``[r, V]`` float32, which it may not write into, and returns other logits ``[r, V]``.
        """

    def bind(self, tokenizer: Any, tags: ThinkTags) -> "Bound":
        """Return the intervention at work on one tokenizer, for one run at a time."""
        return Bound(ThinkingRows(tokenizer, tags), self.change(tokenizer, tags))


class Bound:
    """An intervention at work: called once after each forward pass."""

    def __init__(self, rows: ThinkingRows, change: Change) -> None:
        self._rows, self._change = rows, change

    def __call__(self, rows: Sequence[Ids | None], logits: Tensor) -> Tensor:
        """Return the logits to draw from.

        Args:
            rows: The ids of ``b`` rows, prompt and generated; None is an empty place.
            logits: ``[b, V]``; not written into.
        """
        inside = self._rows.inside(rows)
        at = [i for i, thinks in enumerate(inside) if thinks]
        if not at:
            return logits
        index = torch.tensor(at, device=logits.device)
        changed = logits.clone()
        changed[index] = self._change(
            [row for i in at if (row := rows[i]) is not None], logits[index]
        )
        return changed
