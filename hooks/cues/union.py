"""Several cue sets as one."""

from dataclasses import dataclass

from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reflection import Reflection


@dataclass(frozen=True)
class Union(CueSet):
    """A cue of any member; a token that completes two cues is one cue."""

    members: tuple[CueSet, ...] = (Reflection(), Paragraph())

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("a union of cue sets needs at least one member")

    def ends(self, text: str) -> bool:
        return any(member.ends(text) for member in self.members)

    def counts(self, tokens: int) -> bool:
        return any(member.counts(tokens) for member in self.members)
