"""The contract of a cue set: where in the thinking the toolkit looks.

A cue is defined on decoded text, never on token ids, so that it means the same for every
tokenizer. A word is a cue once it is *whole*: the first character after it has been written and
is no word character, so "waiting", "await" and "know" never fire. The cue belongs to the token
that brings this character.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class CueSet(ABC):
    """A rule that says at which tokens of the thinking to read the model.

    ``ends`` sees text cut after any *character*, so that a cue in the middle of a token (" maybe"
    completes "Hmm") is found; the token is a cue when one of its characters completes one.
    """

    @abstractmethod
    def ends(self, text: str) -> bool:
        """Tell whether the thinking text, or a tail of it, ends exactly in a cue.

        Args:
            text: The thinking so far, cut after some character; at least its last 256 characters.
        """

    def counts(self, tokens: int) -> bool:
        """Tell whether the thinking's ``tokens``-th token (from 1) is a cue by its number alone."""
        return False

    def fires(self, text: str, new: int, tokens: int) -> bool:
        """Tell whether the last token is a cue.

        Args:
            text: The thinking up to and with this token (or a long enough tail of it).
            new: How many characters at the end of ``text`` this token brought.
            tokens: How many tokens the thinking has, with this one.
        """
        cuts = range(len(text) - new + 1, len(text) + 1)
        return self.counts(tokens) or any(self.ends(text[:cut]) for cut in cuts)
