"""The cache of a running batch: rows leave, are replaced and are copied, whatever a layer keeps.

Which layers can do so is an allow-list: full and sliding attention, linear attention, state-space
and convolution layers, and layers that keep both. Others (indexers, compressed caches) are refused
by name.
"""

import copy
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from transformers import cache_utils
from transformers.cache_utils import Cache, DynamicCache

from probexit.exits.engines.row_layer import RowLayer
from probexit.exits.engines.row_states import EmptyLayer, StateAndRowLayer, StateLayer

MOVABLE: dict[str, type[Any]] = {
    "DynamicLayer": RowLayer,
    "DynamicSlidingWindowLayer": RowLayer,  # kept whole; the mask knows the window
    "LinearAttentionLayer": StateLayer,
    "LinearAttentionAndFullAttentionLayer": StateAndRowLayer,
    "LinearAttentionAndSlidingWindowAttentionLayer": StateAndRowLayer,
    "DummyLayer": EmptyLayer,
}


class RowCache(Cache):  # type: ignore[misc]  # transformers is untyped here
    """Layers whose rows move together.

    Args:
        layers: One per layer of the model; None makes attention layers as they are needed.
    """

    def __init__(self, layers: Sequence[Any] | None = None) -> None:
        if layers is None:
            super().__init__(layer_class_to_replicate=RowLayer)
        else:
            super().__init__(layers=list(layers))

    @classmethod
    def of(cls, model: Any) -> "RowCache":
        """Return an empty cache for a model.

        Raises:
            ValueError: if one of its layers keeps what cannot move between rows.
        """
        plan = layer_plan(model)
        if all(layer is RowLayer for layer, _ in plan):
            return cls()
        return cls([layer(**settings) for layer, settings in plan])

    def trim(self, columns: int) -> None:
        """Forget the oldest columns."""
        for layer in self.layers:
            layer.trim(columns)

    def select(self, rows: Tensor) -> None:
        """Keep these rows only, ``rows [k]``."""
        for layer in self.layers:
            layer.select(rows)

    def copy(self, rows: Tensor) -> "RowCache":
        """Return these rows, ``rows [k]``, as a cache of their own."""
        return RowCache([layer.copy(rows) for layer in self.layers])

    def place(self, rows: Tensor, other: "RowCache", added: int = 0) -> None:
        """Put ``other``'s rows in place of ``rows [n]``, after adding columns on the left."""
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            if added:
                mine.widen(added)
            mine.place(rows, theirs)

    def append(self, other: "RowCache") -> None:
        """Add the rows of ``other`` below, aligned at the newest column."""
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine.append(theirs)


def layer_plan(model: Any) -> list[tuple[type[Any], dict[str, Any]]]:
    """Say for each layer of a model which kind of rows it keeps, and that kind's settings.

    Raises:
        ValueError: naming the first layer that is on no allow-list.
    """
    if keeps_state_inside(model):
        raise ValueError(
            f"{type(model).__name__} keeps its state inside its layers, whose rows cannot move: "
            "use attach() with model.generate, which keeps rows in place"
        )
    plan = []
    for index, layer in enumerate(DynamicCache(config=model.config).layers):
        name = type(layer).__name__
        if name not in MOVABLE or not _is_transformers(layer):
            raise ValueError(
                f"layer {index} of {type(model).__name__} keeps a {name}, whose rows cannot move: "
                "use attach() with model.generate, which keeps rows in place"
            )
        states = getattr(layer, "number_of_states", None)
        plan.append((MOVABLE[name], {} if states is None else {"number_of_states": states}))
    return plan


def keeps_state_inside(model: Any) -> bool:
    """Tell whether layers keep a recurrent state themselves (RecurrentGemma) and not in a cache."""
    return any("recurrent_states" in vars(module) for module in model.modules())


def is_recurrent(cache: Any) -> bool:
    """Tell whether a layer of a cache keeps a state that cannot be cut back to a prefix."""
    return any(hasattr(layer, "recurrent_states") for layer in cache.layers)


def _is_transformers(layer: Any) -> bool:
    return getattr(cache_utils, type(layer).__name__, None) is type(layer)


_BY_ROW = ("keys", "values")


def copied_rows(cache: Any, rows: Tensor) -> Any:
    """Copy some rows ``[k]`` of a transformers cache, recurrent states with them, and no others.

    Raises:
        ValueError: if the cache keeps what cannot be copied by row.
    """
    if type(cache).__name__ == "EncoderDecoderCache":
        raise ValueError("rows of an encoder-decoder's cache cannot be copied: no trial answers")
    fork = copy.copy(cache)
    fork.layers = [_copied_layer(layer, rows) for layer in cache.layers]
    return fork


def _copied_layer(layer: Any, rows: Tensor) -> Any:
    name = type(layer).__name__
    if not _is_transformers(layer) or (name.removeprefix("Static") == name and name not in MOVABLE):
        raise ValueError(f"a {name} cannot be copied by row, which a trial answer needs")
    fork = copy.copy(layer)
    for key, value in vars(layer).items():
        if isinstance(value, Tensor):
            by_row = key in _BY_ROW and value.ndim > 1
            setattr(fork, key, value[rows] if by_row else value.clone())
        elif isinstance(value, dict):
            copied = {i: v[rows] if isinstance(v, Tensor) else v for i, v in value.items()}
            setattr(fork, key, copied)
    return fork
