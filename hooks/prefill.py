"""How many tokens a model should read in one forward pass, by its size and its device."""

from collections.abc import Iterable
from typing import Any

import torch

ON_CPU = 2_048
"""A core is busy with far fewer; 16,384 took .97 to 1.16 times as long per token and 8 times the
memory (shipped reasoner, 512-token prompts, one thread, five rounds in turn)."""

MOST = 16_384
"""Elsewhere; what this many tokens need of memory is another limit."""

SHARE = 0.1  # of a device's memory, for the states and the cache of one pass


def prefill_tokens(model: Any) -> int:
    """Return the tokens, padding included, to read at once; it follows from model and device alone.

    What is free at the moment does not count, so that a recording is cut the same way again.
    """
    device = torch.device(model.device)
    if device.type == "cpu":
        return ON_CPU
    if device.type != "cuda":
        return MOST
    memory = torch.cuda.get_device_properties(device).total_memory
    return max(1, min(MOST, int(SHARE * memory / token_bytes(model))))


def token_bytes(model: Any) -> int:
    """Return what one token takes, in bytes, during a forward pass: its cache and activations.

    Keys and values of every layer, and of one layer six times the hidden width (residual, norm,
    queries, keys, values, output) and both branches of a gated feed-forward part.
    """
    config = model.config.get_text_config()
    width, heads = config.hidden_size, getattr(config, "num_attention_heads", 1)
    head = getattr(config, "head_dim", None) or width // heads
    cached = 2 * (getattr(config, "num_key_value_heads", None) or heads) * head
    feed_forward = getattr(config, "intermediate_size", None) or 4 * width
    values = config.num_hidden_layers * cached + 6 * width + 2 * feed_forward
    return int(values * model.dtype.itemsize)


def groups_within(lengths: Iterable[int], tokens: int) -> list[list[int]]:
    """Cut sequences, in their order, into groups that together have at most so many tokens.

    Args:
        lengths: Of each sequence; within a group all are padded to the longest.
        tokens: Most tokens of a group, padding included; a longer sequence is a group of its own.

    Returns:
        Indices of the sequences of each group.
    """
    groups: list[list[int]] = []
    width = 0
    for i, length in enumerate(lengths):
        width = max(width, length)
        if not groups or (len(groups[-1]) + 1) * width > tokens:
            groups.append([])
            width = length
        groups[-1].append(i)
    return groups
