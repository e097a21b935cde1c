"""A KV cache whose layers may differ in length while tokens wait at middle layers."""

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache

from probexit.exits.engines.row_layer import RowLayer


class DepthLayer(RowLayer):
    """One layer's keys and values, which can forget its newest columns."""

    def keep(self, columns: int) -> None:
        """Forget what is newer than the first ``columns``."""
        self._view(self.start, columns)


class DepthCache(Cache):  # type: ignore[misc]  # transformers is untyped here
    """Keys and values of one prompt.

    Sliding-window layers are kept whole and left to the mask: a window that had dropped its oldest
    column could not be put back when a draft is rejected.

    Attributes:
        columns: Tokens whose keys and values stand in every layer; masks and positions are built
            for this length, whatever a single layer holds.
    """

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=DepthLayer)
        self.columns = 0

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return the number of tokens before the present pass."""
        return self.columns

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        """Return the mask's number of keys, and their offset."""
        return self.columns + query_length, 0

    def keep(self, layer: int, columns: int) -> None:
        """Let a layer forget what is newer than its first ``columns``.

        Raises:
            ValueError: if the layer holds fewer: a token would attend to a hole.
        """
        held: Any = self.layers[layer] if layer < len(self.layers) else None
        length = held.length if held is not None and held.is_initialized else 0
        if length < columns:
            raise ValueError(f"layer {layer} holds {length} columns, not {columns}")
        if length > columns:
            held.keep(columns)

    def lengths(self) -> list[int]:
        """Return the columns that each layer holds."""
        return [layer.length for layer in self.layers]

    def tensors(self) -> list[tuple[Tensor, Tensor]]:
        """Return the keys and values ``[1, heads, t, d]`` of each layer."""
        return [(layer.keys, layer.values) for layer in self.layers]
