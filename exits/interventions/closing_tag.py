"""What members that help the thinking to its end share: they raise the closing tag's logit."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from probexit.exits.engines.forward_pass import on_device
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
            stop = on_device([_next(row, closing) for row in rows], logits)
            return logits.scatter_add(1, stop[:, None], self.gain(logits, stop)[:, None])

        return raised


def _next(row: Ids, closing: Sequence[int]) -> int:
    """Return the token of the closing tag that is still to be written first."""
    if len(closing) == 1:
        return closing[0]
    written = (k for k in range(len(closing) - 1, 0, -1) if list(row[-k:]) == list(closing[:k]))
    return closing[next(written, 0)]
