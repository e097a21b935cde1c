"""Cues at reflection words, where the model turns on its own reasoning.

The default list is LYNX's (arXiv 2512.05325). Its code matches substrings, so that "await" counts;
here words are whole.
"""

from dataclasses import dataclass
from functools import cached_property
from unicodedata import combining

from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.scripts import is_spaceless


@dataclass(frozen=True)
class Reflection(CueSet):
    """A word or phrase of the list, in any case, with no word character on either side.

    In a script that writes no spaces between words (Chinese, Japanese, Thai, ...) any character may
    stand on either side.

    The cue is the character after the word: until it is written, "wait" may become "waiting".

    Attributes:
        words: What to look for; a phrase is matched with its spaces as they are.
    """

    words: tuple[str, ...] = ("wait", "hmm", "alternatively")

    def __post_init__(self) -> None:
        if not self.words or "" in self.words:  # "" lies in every str, given for a tuple
            raise ValueError(f"words must be a tuple of words, none empty, not {self.words!r}")

    def fires(self, text: str, new: int, tokens: int) -> bool:
        # Most tokens complete no word: one look at their neighbourhood spares one per character.
        near = text[-new - self._reach :].lower() if new else ""
        return any(word in near for word in self._lowered) and super().fires(text, new, tokens)

    def ends(self, text: str) -> bool:
        written = text[-self._reach : -1].lower()
        return written.endswith(self._lowered) and any(
            written.endswith(word)
            and not _goes_on(word[-1], text[-1:])
            and not _goes_on(word[0], written[: -len(word)][-1:])
            for word in self._lowered
        )

    @cached_property
    def _lowered(self) -> tuple[str, ...]:
        return tuple(word.lower() for word in self.words)

    @cached_property
    def _reach(self) -> int:
        return max(map(len, self._lowered)) + 2  # the character before, the word, the one after


def _goes_on(letter: str, neighbour: str) -> bool:
    """Tell whether a neighbour is of the same word; scripts without spaces have no words to end."""
    return _in_word(neighbour) and not is_spaceless(letter)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or _is_accent(character)


def _is_accent(character: str) -> bool:
    return character != "" and combining(character) > 0
