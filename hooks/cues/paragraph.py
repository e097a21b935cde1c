"""Cues at paragraph ends, the boundary of EAT (arXiv 2509.26522) and of many step splitters."""

from dataclasses import dataclass

from probexit.hooks.cues.base import CueSet


@dataclass(frozen=True)
class Paragraph(CueSet):
    """Two newlines in a row; more newlines after them are the same cue."""

    def ends(self, text: str) -> bool:
        return text.endswith("\n\n") and not text.endswith("\n\n\n")
