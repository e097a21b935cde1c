"""The tokens that end a sequence."""

from typing import Any


def end_ids(model: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a sequence: those that ``model.generate`` stops at.

    The tokenizer's end-of-sequence token is asked only where the generation config names none.
    """
    ids = model.generation_config.eos_token_id
    found = set(ids) if isinstance(ids, list) else {ids}
    return {int(i) for i in found - {None} or {tokenizer.eos_token_id} if i is not None}
