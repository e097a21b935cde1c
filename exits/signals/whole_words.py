"""Find words in a text as a reader does: whole, in any case, never inside another word."""

import re
from functools import cache

from probexit.hooks.cues.scripts import is_spaceless


@cache
def whole_words(words: tuple[str, ...]) -> re.Pattern[str]:
    """Make the pattern that matches any of ``words`` (or phrases) with no word character beside it.

    Substrings, as released code looks for them, find "no" in "know" and "wait" in "await".

    Raises:
        ValueError: without words, or with an empty one, which would match everywhere.
    """
    if not words or "" in words:
        raise ValueError(f"words must be a tuple of words, none empty, not {words!r}")
    return re.compile("|".join(map(_whole, words)), re.IGNORECASE)


def _whole(word: str) -> str:
    """Write a word's pattern; a script without spaces has no word to be inside of."""
    before = "" if is_spaceless(word[0]) else r"(?<!\w)"
    after = "" if is_spaceless(word[-1]) else r"(?!\w)"
    return f"{before}{re.escape(word)}{after}"
