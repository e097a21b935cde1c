"""Whether rows of a left-padded batch are what they are alone.

Most models are told each token's position. Some swallow the positions, or take them and count
columns all the same, which is wrong for a shorter row: each model is tried once, on a few tokens.
"""

import warnings
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from probexit.exits.engines.cache import RowCache
from probexit.hooks.forward import forward, takes

_TRIED: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
TOLERANCE = 2e-3  # nats


def rows_together(model: Any, batch_size: int) -> int:
    """Return how many rows may run together: one, said aloud, where padded rows are wrong."""
    if batch_size == 1 or (takes(model, "position_ids") and model.dtype != torch.float32):
        return batch_size  # in half precision only models that are under suspicion are tried
    if model not in _TRIED:
        _TRIED[model] = _distance(model)
    if _TRIED[model] > TOLERANCE:
        warnings.warn(
            f"{type(model).__name__}: padded rows are {_TRIED[model]:.2g} nats from what they are "
            "alone, whatever positions they are given: prompts run one at a time",
            stacklevel=3,
        )
        return 1
    return batch_size


@torch.inference_mode()
def _distance(model: Any) -> float:
    """Return the distance (nats) of a short row beside a long one from the same row alone."""
    high = int(model.get_input_embeddings().weight.shape[0]) - 1
    short = [high - 1, high // 2, high // 3]
    beside = [high // 2] * 5 + short
    alone = _after(model, torch.tensor([short]), torch.ones(1, 3, dtype=torch.long))
    ids = torch.tensor([[0] * 5 + short, beside])
    mask = torch.tensor([[0] * 5 + [1] * 3, [1] * 8])
    return float((_after(model, ids, mask)[0] - alone[0]).abs().max())


def _after(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """Return log-probabilities ``[b, V]`` after a prompt ``[b, p]`` and one more token."""
    cache = RowCache.of(model)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    forward(model, ids, cache, positions, mask, keep=1)
    mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    logits = forward(model, ids[:, -1:], cache, positions[:, -1:] + 1, mask, keep=1)
    return logits[:, -1].float().log_softmax(-1)
