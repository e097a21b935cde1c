"""Whether rows of a left-padded batch are what they are alone, for models that take no positions.

Most models are told each token's position. Some swallow the positions and count columns instead,
which is wrong for a shorter row: those are tried once, on a few tokens.
"""

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from probexit.exits.engines.cache import RowCache
from probexit.hooks.forward import forward, takes

_TRIED: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
TOLERANCE = 2e-3  # nats


def refuse_padding(model: Any, batch_size: int) -> None:
    """Refuse batches of a model whose padded rows are not what they are alone.

    Raises:
        ValueError: naming the remedy.
    """
    if batch_size == 1 or takes(model, "position_ids"):
        return
    if model not in _TRIED:
        _TRIED[model] = _distance(model)
    if _TRIED[model] > TOLERANCE:
        raise ValueError(
            f"{type(model).__name__} takes no positions, and its padded rows are "
            f"{_TRIED[model]:.2g} nats from what they are alone: use a batch size of 1"
        )


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
