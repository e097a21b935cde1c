"""Next-token logits at each row's own columns, where a forward pass knows only common ones.

``logits_to_keep`` takes one list of columns for all rows of a batch. Rows that are read at columns
of their own would get logits at the union of all: with 16 rows 16 times what is needed, and a
vocabulary of 150,000 makes that the largest tensor of the prefill. The final hidden states are
therefore narrowed to the wanted pairs before the output layer multiplies them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks


class OwnColumns(Hooks):
    """Context manager within which a model's output layer sees chosen (row, column) pairs only.

    Attributes:
        kept: ``[k]`` distinct columns, ascending: what the forward pass is asked to keep.
        narrowed: Whether the output layer has seen the pairs alone.

    Args:
        model: A causal LM of transformers.
        rows: ``[n]`` row of each pair.
        columns: ``[n]`` its column.
    """

    def __init__(self, model: Any, rows: Tensor, columns: Tensor) -> None:
        super().__init__()
        self._head = model.get_output_embeddings()
        self._rows, self._columns = rows, columns
        self.kept, self._places = torch.unique(columns, return_inverse=True)
        self.narrowed = False

    def _register(self) -> Iterator[RemovableHandle]:
        self.narrowed = False
        if isinstance(self._head, nn.Module):
            yield self._head.register_forward_pre_hook(self._narrow)

    def _narrow(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if not args or args[0].dim() != 3:
            return None  # an output layer of another kind: its logits are narrowed afterwards
        hidden, *rest = args
        self.narrowed = True
        return (self._pick(hidden)[None], *rest)

    def of(self, logits: Tensor) -> Tensor:
        """Return ``[n, V]`` of the logits that the forward pass inside gave, asked for ``kept``."""
        return logits[0] if self.narrowed else self._pick(logits)

    def _pick(self, values: Tensor) -> Tensor:
        """Return ``[n, ...]`` of ``values [b, k, ...]``, or of all columns ``[b, t, ...]``."""
        cut = values.shape[1] == len(self.kept)
        places = self._places if cut else self._columns
        return values[self._rows.to(values.device), places.to(values.device)]
