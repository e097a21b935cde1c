"""Find the cues in a thinking as it is written, token by token; offline by the same code."""

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Any

from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.stream import TextStream
from probexit.hooks.think_tags import ThinkTags

TAIL = 256  # characters of the thinking that a cue set may look back on


class Span(Enum):
    """Where the newest token stands."""

    BEFORE = "before the thinking"
    THINKING = "in the thinking"
    TOOL_CALL = "in a tool call inside the thinking"
    AFTER = "after the thinking"


_BEFORE, _THINKING, _TOOL_CALL, _AFTER = Span  # reading a member off its class costs a microsecond
_INSIDE = (_THINKING, _TOOL_CALL)


class CueReader:
    """Reads one row: which tokens of its thinking complete a cue.

    The thinking lies between the tags, which are looked for in the decoded text. It begins with
    the first open tag (or at once), ends at the first close tag and never begins again. Inside a
    tool call nothing is a cue, and the text after one is read as a new text. A token that ends the
    thinking or opens a tool call is no cue, nor is one behind which either may be half written.

    Costs a few microseconds and constant memory per token.

    Args:
        tokenizer: A transformers tokenizer.
        cues: What counts as a cue.
        tags: The tags of the thinking and of tool calls.
        inside: Whether the prompt has opened the thinking
            (`probexit.hooks.think_tags.opens_thinking`).

    Attributes:
        thinking: Tokens of the thinking so far, tool calls included, tags not: when a close tag
            takes several tokens, they are taken back once it is complete.
        cues_seen: Cues so far.
    """

    def __init__(self, tokenizer: Any, cues: CueSet, tags: ThinkTags, inside: bool = True) -> None:
        self.cues = cues
        self.thinking = 0
        self.cues_seen = 0
        self._stream = TextStream(tokenizer, (tags.open, tags.close, *tags.mute))
        self._span = _THINKING if inside else _BEFORE
        begin_call, end_call = tags.mute
        self._doors = {
            _BEFORE: {tags.open: _THINKING},
            _THINKING: {tags.close: _AFTER, begin_call: _TOOL_CALL},
            _TOOL_CALL: {tags.close: _AFTER, end_call: _THINKING},
            _AFTER: {},
        }
        self._ahead = tuple(self._doors[self._span])  # the tags to look for
        doors = (tags.close, tags.open, begin_call)
        self._begun = tuple(tag[:length] for tag in doors for length in range(1, len(tag)))
        self._tail = ""  # the newest text of this span
        self._starts: deque[int] = deque(maxlen=len(tags.close.encode()))  # of thinking tokens
        self._read = 0  # characters so far

    @property
    def inside(self) -> bool:
        """Whether the next token belongs to the thinking."""
        return self._span in _INSIDE

    @property
    def muted(self) -> bool:
        """Whether the next token belongs to a tool call inside the thinking, no place to leave."""
        return self._span is _TOOL_CALL

    @property
    def in_tag(self) -> bool:
        """Whether a tag of several tokens is perhaps half written, no place to leave."""
        return self._tail.endswith(self._begun)

    def feed(self, token_id: int) -> bool:
        """Read the next token and tell whether it completes a cue."""
        if self._span is _AFTER:
            return False
        text = self._stream.push(int(token_id))
        before = self.thinking
        if self.inside:
            self._count()
        self._read += len(text)
        self._tail += text
        new = self._pass_tags(len(text))
        thinks = self._span is _THINKING and self.thinking > before
        fired = thinks and self.cues.fires(self._tail, new, self.thinking) and not self.in_tag
        if len(self._tail) > 2 * TAIL:
            self._tail = self._tail[-TAIL:]
        self.cues_seen += fired
        return fired

    def _pass_tags(self, new: int) -> int:
        """Go through each tag that the newest characters complete; return how many follow it."""
        while (found := self._next_tag()) is not None:
            at, tag = found
            start = self._read - len(self._tail) + at
            came_from, self._span = self._span, self._doors[self._span][tag]
            self._ahead = tuple(self._doors[self._span])
            self._tail = self._tail[at + len(tag) :]
            new = len(self._tail)
            if self._span is _AFTER:
                self.thinking -= sum(begin >= start for begin in self._starts)
            elif came_from is _BEFORE and new:
                self._count()
        return new

    def _next_tag(self) -> tuple[int, str] | None:
        hits = [(at, tag) for tag in self._ahead if (at := self._tail.find(tag)) >= 0]
        return min(hits) if hits else None

    def _count(self) -> None:
        self.thinking += 1
        self._starts.append(self._read)


def cue_positions(
    tokenizer: Any, cues: CueSet, tags: ThinkTags, token_ids: Iterable[int], inside: bool = True
) -> list[int]:
    """Return the indices into ``token_ids [t]`` of the tokens that complete a cue, ascending."""
    reader = CueReader(tokenizer, cues, tags, inside)
    return [i for i, token_id in enumerate(token_ids) if reader.feed(token_id)]
