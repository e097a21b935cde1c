"""One forward pass of a causal language model over a KV cache, said once for every caller.

transformers 5.24 renamed the keyword that takes the cache from ``past_key_values`` to ``cache``,
and models differ in what else they take. A keyword that a model swallows in ``**kwargs`` is the
silent failure here: after the first pass the cache is asked whether it has grown.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from torch import Tensor
from transformers import GenerationMixin

CACHE_NAMES = ("cache", "past_key_values", "cache_params")


@lru_cache(maxsize=64)
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _forward_parameters(model: Any) -> frozenset[str]:
    # By class: a bound method would keep its model alive in the table.
    return _parameters(type(model).forward)


def takes(model: Any, name: str) -> bool:
    """Tell whether a model's ``forward`` names a parameter, rather than swallows it."""
    return name in _forward_parameters(model)


def generate_cache_name() -> str:
    """Return the keyword by which ``model.generate`` of this transformers takes a cache."""
    known = _parameters(GenerationMixin.prepare_inputs_for_generation)
    return next(name for name in CACHE_NAMES if name in known)


def cache_name(model: Any) -> str:
    """Return the keyword by which a model's ``forward`` takes its cache.

    A wrapper that takes ``**kwargs`` only (peft's, say) is asked as ``generate`` would ask it.
    """
    known = _forward_parameters(model)
    return next((name for name in CACHE_NAMES if name in known), generate_cache_name())


def given_cache(kwargs: Mapping[str, Any]) -> Any:
    """Return the cache among keyword arguments of ``generate``, under any of its names, or None."""
    return next((kwargs[name] for name in CACHE_NAMES if kwargs.get(name) is not None), None)


def forward(
    model: Any,
    ids: Tensor,
    cache: Any,
    positions: Tensor | None = None,
    mask: Tensor | Mapping[str, Tensor] | None = None,
    keep: int | Tensor = 0,
) -> Tensor:
    """Run a model on new tokens; the cache then holds them too.

    Args:
        model: A causal LM of transformers.
        ids: Token ids, ``[b, q]``.
        cache: What was read before; grows by ``q`` columns.
        positions: Position of each token, ``[b, q]``.
        mask: Attention mask ``[b, t + q]``, or one that is ready to be added, per layer type.
        keep: Rows of logits to compute: the newest so many (0 for all), or these columns ``[k]``.

    Returns:
        Next-token logits, ``[b, k, V]``.

    Raises:
        ValueError: if the model did not put the tokens into the cache.
    """
    known = _forward_parameters(model)
    device = model.device
    options: dict[str, Any] = {"logits_to_keep": keep} if "logits_to_keep" in known else {}
    if positions is not None:
        options["position_ids"] = positions.to(device)
    if isinstance(mask, Tensor):
        if cache.layers and not _attending(cache):
            mask = mask[:, -ids.shape[1] :]  # a model without attention masks new tokens only
        mask = mask.to(device)
    if mask is not None:
        options["attention_mask"] = mask
    fresh = not _length(cache)
    name = cache_name(model)
    output = model(input_ids=ids.to(device), use_cache=True, **{name: cache}, **options)
    if fresh:
        _check_growth(model, name, cache, ids.shape[1])
    logits: Tensor = output.logits
    if "logits_to_keep" in known:
        return logits
    return logits[:, keep] if isinstance(keep, Tensor) else logits[:, -keep:]


def _length(cache: Any) -> int:
    """Return the columns that the fullest attention layer holds."""
    return max(_lengths(cache), default=0)


def _lengths(cache: Any) -> list[int]:
    layers = _attending(cache)
    return [int(layer.get_seq_length()) if layer.is_initialized else 0 for layer in layers]


def _attending(cache: Any) -> list[Any]:
    """Return the layers that keep keys and values."""
    return [layer for layer in cache.layers if hasattr(layer, "get_seq_length")]


def _holds_state(cache: Any) -> bool:
    flags = (getattr(layer, "has_previous_state", {}) for layer in cache.layers)
    return any(any(flag.values()) for flag in flags)


def _check_growth(model: Any, name: str, cache: Any, width: int) -> None:
    """Refuse a model that left the cache as it was."""
    length = _length(cache)
    if length == width or (not _attending(cache) and _holds_state(cache)):
        return
    raise ValueError(
        f"{type(model).__name__} read {width} tokens and its cache holds {length}: its forward "
        f"does not fill a cache given as {name}=, so it can only be run without one"
    )
