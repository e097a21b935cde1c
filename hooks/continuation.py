"""Tokens of a text that goes on from other text, as a model would write it there."""

from typing import Any

BEFORE = (".\n", "\n", ".", "x")
"""Texts to continue, tried until one of them keeps its own tokens."""


def continuation_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of ``text`` in the middle of a text.

    Tokenizers that mark the beginning of a word put a space in front of a text that stands alone:
    " </think>" is not what the model writes, and the space is the wrong token to read.
    """
    plain = _ids(tokenizer, text)
    for before in BEFORE:
        front = _ids(tokenizer, before)
        if (
            _decoded(tokenizer, front) == before
            and _decoded(tokenizer, front + plain) == before + text
        ):
            return plain
        whole = _ids(tokenizer, before + text)
        goes_on = whole[: len(front)] == front
        if goes_on and _decoded(tokenizer, whole) == _decoded(tokenizer, front) + text:
            return whole[len(front) :]
    return plain


def _ids(tokenizer: Any, text: str) -> list[int]:
    return [int(i) for i in tokenizer.encode(text, add_special_tokens=False)]


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text
