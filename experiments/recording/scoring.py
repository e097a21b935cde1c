"""What the model makes of tokens that another engine wrote: one prefill, with nothing drawn."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from probexit.exits.engines.generation import PartialGeneration
from probexit.exits.engines.summaries import confidence, entropy
from probexit.hooks.forward import forward
from probexit.hooks.padding import padded

PART = 256  # columns of the vocabulary's width that are held in float32 at once
Text = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt, and those written behind it, at least one."""


@torch.inference_mode()
def scored(model: Any, texts: Sequence[Text]) -> list[PartialGeneration]:
    """Note of each token what the own loop notes of those that it draws.

    Args:
        model: The model, in evaluation mode.
        texts: What is prefilled together, right-padded.
    """
    rows = [[*prompt, *written[:-1]] for prompt, written in texts]  # the last one is not read
    ids, mask = padded(rows, "right")
    width, start = ids.shape[1], min(len(prompt) for prompt, _ in texts) - 1
    places = torch.arange(width)[None].expand(len(rows), -1)
    kept = torch.arange(start, width, device=model.device)
    cache = DynamicCache(config=model.config)
    logits = forward(model, ids, cache, places, mask, keep=kept)
    return [
        _noted(row[len(prompt) - 1 - start :][: len(written)], written)
        for row, (prompt, written) in zip(logits, texts, strict=True)
    ]


def _noted(logits: Tensor, written: Sequence[int]) -> PartialGeneration:
    """Look up tokens ``[t]`` in the distributions ``[t, V]`` that they were drawn from."""
    found = PartialGeneration(list(written))
    chosen = torch.split(torch.tensor(found.ids, device=logits.device), PART)
    for part, tokens in zip(torch.split(logits, PART), chosen, strict=True):
        logprobs = part.float().log_softmax(-1)
        found.logprobs += logprobs.gather(-1, tokens[:, None])[:, 0].tolist()
        found.entropies += entropy(logprobs).tolist()
        found.confidences += confidence(logprobs).tolist()
    return found
