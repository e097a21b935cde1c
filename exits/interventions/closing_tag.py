"""What members that help the thinking to its end share: they raise the closing tag's logit."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.interventions.base import Change, Ids, Intervention
from probexit.hooks.think_tags import ThinkTags


@dataclass(frozen=True)
class ClosingTag(Intervention):
    """Raises the logit of the token that ends the thinking.

    Where the closing tag is spelled in several tokens, the one raised is its first, or, once some
    of them are written, the next.
    """

    @abstractmethod
    def gain(self, logits: Tensor, stop: Tensor) -> Tensor:
        """Return what to add to the logit of the token ``stop [r]``, given ``logits [r, V]``.

        Returns:
            ``[r]``, nowhere negative.
        """

    def change(self, tokenizer: Any, tags: ThinkTags) -> Change:
        closing = [int(i) for i in tokenizer.encode(tags.close, add_special_tokens=False)]

        def raised(rows: Sequence[Ids], logits: Tensor) -> Tensor:
            stop = torch.tensor([_next(row, closing) for row in rows], device=logits.device)
            changed = logits.clone()
            changed[torch.arange(len(rows), device=logits.device), stop] += self.gain(logits, stop)
            return changed

        return raised


def _next(row: Ids, closing: Sequence[int]) -> int:
    """Return the token of the closing tag that is still to be written first."""
    written = (k for k in range(len(closing) - 1, 0, -1) if list(row[-k:]) == list(closing[:k]))
    return closing[next(written, 0)]
