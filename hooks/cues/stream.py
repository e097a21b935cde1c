"""Turn a stream of token ids into a stream of text, one token at a time, at constant cost.

Decoding a token alone is wrong twice: tokenizers that mark spaces by "▁" drop the leading space of
a text's first token, and a byte-level token may end in the middle of a character.
"""

from typing import Any
from weakref import WeakKeyDictionary

UNFINISHED = "\ufffd"
PATIENCE = 16  # tokens held back at most; four bytes, so at most four tokens, make a character

_pieces: WeakKeyDictionary[Any, dict[int, str]] = WeakKeyDictionary()


class TextStream:
    """The text that each token brings, in the middle of a text.

    A token that leaves a character unfinished brings nothing; the token that finishes it brings it
    all. Bytes that make no character come out as U+FFFD, once the next character is finished or
    after ``PATIENCE`` tokens. Special tokens are no text, except those that make up a tag.

    Args:
        tokenizer: A transformers tokenizer.
        tags: Texts that must come through even where special tokens spell them.
    """

    def __init__(self, tokenizer: Any, tags: tuple[str, ...] = ()) -> None:
        self._tokenizer = tokenizer
        self._known = _pieces.setdefault(tokenizer, {})  # shared by all rows of a batch
        special = {int(i) for i in tokenizer.all_special_ids}
        self._silent = {i for i in special if not any(self._decode([i]) in tag for tag in tags)}
        self._pending: list[int] = []

    def push(self, token_id: int) -> str:
        """Return the characters that this token brings."""
        if token_id in self._silent:
            return ""
        piece = self._piece(token_id)
        if not self._pending and UNFINISHED not in piece:
            return piece
        self._pending.append(token_id)
        text = self._decode(self._pending)
        if text.endswith(UNFINISHED) and len(self._pending) < PATIENCE:
            return ""
        self._pending.clear()
        return text

    def _piece(self, token_id: int) -> str:
        piece = self._known.get(token_id)
        if piece is None:
            # What a second copy adds is the token's text with its leading space.
            piece = self._decode([token_id, token_id])[len(self._decode([token_id])) :]
            self._known[token_id] = piece
        return piece

    def _decode(self, token_ids: list[int]) -> str:
        text: str = self._tokenizer.decode(
            token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text
