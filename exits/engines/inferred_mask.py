"""Which tokens of a prompt are padding, where ``generate`` is called without an attention mask."""

from typing import Any

import torch
from torch import Tensor

from probexit.exits.engines.refusals import generate_setting


def inferred_mask(model: Any, input_ids: Tensor, kwargs: dict[str, Any]) -> Tensor:
    """Return the attention mask ``[b, p]`` that ``generate`` infers where none is given.

    What equals the padding token is masked, unless that token also ends sequences.

    Raises:
        ValueError: if rows begin with a token that pads and ends sequences: they may be padded.
    """
    pad = generate_setting(model, kwargs, "pad_token_id")
    if pad is None:
        return torch.ones_like(input_ids)
    end = generate_setting(model, kwargs, "eos_token_id")
    ends = [] if end is None else torch.as_tensor(end).flatten().tolist()
    if int(pad) not in ends:
        return input_ids.ne(int(pad)).long()
    if len(input_ids) > 1 and bool((input_ids[:, 0] == int(pad)).any()):
        raise ValueError(
            f"give attention_mask: rows begin with token {int(pad)}, which pads and also ends "
            "sequences, so padding cannot be told from text"
        )
    return torch.ones_like(input_ids)
