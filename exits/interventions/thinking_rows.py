"""Follow the rows of a batch from step to step: which of them stand inside their thinking?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.think_tags import ThinkTags, opens_thinking

PATIENCE = 3  # calls that a row may be left out of: those in which others are prefilled


@dataclass
class _Followed:
    """A row as it was last seen: ``length`` tokens, of a sequence that may have grown since."""

    ids: Sequence[int]
    length: int
    reader: CueReader
    missed: int = 0


class ThinkingRows:
    """Tells at each step which rows think, tool calls excepted.

    A row is known again by being the same sequence, or by its tokens, not by its place: engines
    move rows. The first time a row is seen, it is its prompt; from then on it grows by one token a
    call. A sequence that grows in place is followed at the same cost however long it is.
    """

    def __init__(self, tokenizer: Any, tags: ThinkTags) -> None:
        self._tokenizer, self._tags = tokenizer, tags
        self._followed: list[_Followed] = []

    def inside(self, rows: Sequence[Sequence[int] | None]) -> list[bool]:
        """Return for each row, given by all its ids, whether its next token is thinking.

        False for None, an empty place.
        """
        now = [None if row is None else self._follow(row) for row in rows]
        missing = [old for old in self._followed if old.missed < PATIENCE]
        for old in missing:
            old.missed += 1
        self._followed = missing + [each for each in now if each]
        return [bool(each and each.reader.inside and not each.reader.muted) for each in now]

    def _follow(self, row: Sequence[int]) -> _Followed:
        """Find the row that this one has grown from, and read its new token; or begin a row."""
        for i, old in enumerate(self._followed):
            if old.length == len(row) - 1 and (old.ids is row or _begins(row, old)):
                del self._followed[i]
                old.reader.feed(row[-1])
                return _Followed(row, len(row), old.reader)
        opened = opens_thinking(self._tokenizer, self._tags, row)
        # A reader wants a cue set; what it finds is not looked at.
        reader = CueReader(self._tokenizer, EveryK(), self._tags, opened)
        return _Followed(row, len(row), reader)


def _begins(row: Sequence[int], old: _Followed) -> bool:
    """Tell whether a row holds what another one held, and one token more."""
    if len(old.ids) != old.length or old.ids[-1] != row[-2]:
        return False  # that one has grown itself: it is somebody else
    return list(old.ids) == list(row[:-1])
