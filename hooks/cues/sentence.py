"""Cues at sentence ends, the boundary of ThinkBrake (arXiv 2510.00546)."""

from dataclasses import dataclass

from probexit.hooks.cues.base import CueSet

MARKS = (".", "!", "?")
CLOSERS = "\"')]*"  # may stand between the mark and the space: (like this.) or **so.**


@dataclass(frozen=True)
class Sentence(CueSet):
    """A white-space character after ``.``, ``!`` or ``?``.

    Brackets, quotes and asterisks may close in between. Decimals ("3.14") and "x.y" have no space
    and are no cue; abbreviations ("e.g. ") and list numbers ("1. ") are.
    """

    def ends(self, text: str) -> bool:
        return text[-1:].isspace() and text[-8:-1].rstrip(CLOSERS).endswith(MARKS)
