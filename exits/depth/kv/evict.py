"""Halting: a token that left is not attended to at the layers it skipped."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.proxies import run_some


@dataclass(frozen=True)
class Evict(KVPolicy):
    """Nothing is computed for skipped layers (QuickSilver, arXiv 2506.22396; D-LLM, NeurIPS 2024).

    The column is filled with zeros and masked for good at that layer: zeros that were attended to
    would still take their share of the softmax. With a mask per layer, padded batches and sliding
    windows stay right as well.
    """

    def read(self, call: LayerCall) -> Tensor:
        if _holes(call.cache):
            raise ValueError("a text whose tokens were evicted cannot be read on: use propagate")
        return call.run()

    def run(self, call: LayerCall) -> Tensor:
        return _masked(call, _column(call, [])).run()

    def skip(self, call: LayerCall) -> None:
        rows = list(range(call.hidden.shape[0]))
        _column(call, rows)
        call.cache.update(*_zeros(call, rows), call.index)

    def run_some(self, call: LayerCall, active: Tensor, left: Tensor) -> Tensor:
        masked = _masked(call, _column(call, left.tolist()))
        return run_some(masked, active, left, _zeros(call, left.tolist()))


def _holes(cache: Any) -> dict[int, Tensor]:
    """Return the cache's holes, ``[b, t]`` bool per layer; they live and die with the cache."""
    holes: dict[int, Tensor] = vars(cache).setdefault("_probexit_holes", {})
    return holes


def _column(call: LayerCall, rows: list[int]) -> Tensor:
    """Add the newest column, a hole for ``rows``; return the layer's holes ``[b, t]``."""
    layers = _holes(call.cache)
    # Layer 0 has not written the newest column yet when it is asked; the others see it there.
    total = int(call.cache.get_seq_length()) + (call.index == 0)
    empty = torch.zeros(call.hidden.shape[0], 0, dtype=torch.bool, device=call.hidden.device)
    old = layers.get(call.index, empty)
    holes = torch.nn.functional.pad(old, (0, total - old.shape[1]))
    holes[rows, -1] = True
    layers[call.index] = holes
    return holes


def _masked(call: LayerCall, holes: Tensor) -> LayerCall:
    if not bool(holes.any()):
        return call
    mask = call.argument("attention_mask")
    if mask is None:
        seen = call.cache.layers[call.index].keys.shape[-2] + 1
        return call.replaced("attention_mask", ~holes[:, None, None, -seen:])
    if mask.ndim != 4 or mask.shape[-1] > holes.shape[1]:
        raise ValueError(
            f"evicted tokens need an attention mask per layer, and this one is {list(mask.shape)}: "
            "use a dynamic cache and sdpa or eager attention, or the propagate policy"
        )
    hidden = holes[:, None, None, -mask.shape[-1] :]
    masked = mask & ~hidden if mask.dtype == torch.bool else mask + _lowest(mask, hidden)
    return call.replaced("attention_mask", masked)


def _lowest(mask: Tensor, hidden: Tensor) -> Tensor:
    return torch.zeros_like(mask).masked_fill(hidden, torch.finfo(mask.dtype).min / 2)


def _zeros(call: LayerCall, rows: list[int]) -> tuple[Tensor, Tensor]:
    layer = call.cache.layers[call.index]
    keys, values = layer.keys[rows, :, :1], layer.values[rows, :, :1]
    return torch.zeros_like(keys), torch.zeros_like(values)
