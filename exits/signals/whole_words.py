"""Find words in a text as a reader does: whole, in any case, never inside another word."""

import re
from functools import cache


@cache
def whole_words(words: tuple[str, ...]) -> re.Pattern[str]:
    """Make the pattern that matches any of ``words`` (or phrases) with no word character beside it.

    Substrings, as released code looks for them, find "no" in "know" and "wait" in "await".

    Raises:
        ValueError: without words, or with an empty one, which would match everywhere.
    """
    if not words or "" in words:
        raise ValueError(f"words must be a tuple of words, none empty, not {words!r}")
    any_of = "|".join(re.escape(word) for word in words)
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)", re.IGNORECASE)
