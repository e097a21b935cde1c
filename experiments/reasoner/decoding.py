"""A plain decoding loop in which finished rows leave the batch.

It stands beside the toolkit's own loop on purpose, like the forced exits here. Rows that stayed
until the longest run of the batch ends would cost more than all the rest.
"""

from typing import Any

import torch
from transformers import DynamicCache

from probexit.hooks.forward import forward
from probexit.hooks.padding import padded


def _choose(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    if not temperature:
        return logits.argmax(-1)
    return torch.multinomial((logits.float() / temperature).softmax(-1), 1)[:, 0]


@torch.no_grad()
def decode(
    model: Any, prompts: list[list[int]], temperature: float, cap: int, stop: int
) -> list[list[int]]:
    """Continue every prompt until `stop` or the cap; temperature 0 is greedy."""
    written: list[list[int]] = [[] for _ in prompts]
    ids, mask = padded(prompts, "left")
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    rows = torch.arange(len(prompts))
    cache = DynamicCache()
    for _ in range(cap):
        logits = forward(model, ids, cache, places, mask, keep=1)
        chosen = _choose(logits[:, -1], temperature)
        for row, token in zip(rows.tolist(), chosen.tolist(), strict=True):
            written[row].append(token)
        going = chosen != stop
        if not going.all():
            cache.batch_select_indices(going.nonzero()[:, 0])
            rows, chosen, mask, places = (x[going] for x in (rows, chosen, mask, places))
        if not len(rows):
            break
        ids, places = chosen[:, None], places[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
    return written
