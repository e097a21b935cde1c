"""Attention masks for branches that share one prefix, in the form each model understands."""

from typing import Any

import torch
from torch import Tensor

_KNOWN = {"full_attention", "sliding_attention"}


def branch_mask(
    model: Any, allowed: Tensor, positions: tuple[Tensor, Tensor]
) -> Tensor | dict[str, Tensor]:
    """Turn "may look at" into what the model's ``attention_mask`` takes.

    Args:
        model: The model; its config tells about sliding windows.
        allowed: ``[b, q, k]`` bool, whether a query may look at a key at all.
        positions: ``[b, q]`` and ``[b, k]``, where queries and keys stand in their sequences.

    Returns:
        An additive ``[b, 1, q, k]`` mask, or one per layer type where a model mixes them.

    Raises:
        ValueError: for attention whose mask cannot be given (flash kernels, chunked or linear
            layers), naming the remedy.
    """
    config = model.config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or [])
    if kinds - _KNOWN:
        raise ValueError(
            f"layers of type {sorted(kinds - _KNOWN)} cannot share a prefix between branches; "
            "forced exits need full or sliding-window attention"
        )
    kernel = str(config._attn_implementation)
    if kernel not in ("eager", "sdpa"):
        raise ValueError(f"{kernel} takes no branch mask: load with attn_implementation='sdpa'")
    full = _additive(allowed, model.dtype)
    window = getattr(config, "sliding_window", None)
    if not window or kinds == {"full_attention"}:
        return full
    queries, keys = positions
    distance = queries[:, :, None] - keys[:, None]
    near = _additive(allowed & (distance < window), model.dtype)
    if "full_attention" in kinds:
        return {"full_attention": full, "sliding_attention": near}
    return near


def _additive(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]
