"""Find the thinking in what a model wrote, and where it is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from probexit.exits.engines.generation import Generation
from probexit.experiments.recording.reading import ReadRequest
from probexit.experiments.recording.tasks.base import Item
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import opens_thinking


def thinking_span(
    reasoner: Reasoner, cues: CueSet, prompt: Sequence[int], token_ids: Sequence[int]
) -> tuple[int, int, list[int]]:
    """Find the thinking in generated tokens, and its cues.

    Returns:
        The index of its first token (0 if the prompt opened it, the number of tokens if it never
        began), its length in tokens, and the indices of the tokens that complete a cue.
    """
    inside = opens_thinking(reasoner.tokenizer, reasoner.tags, prompt)
    reader = CueReader(reasoner.tokenizer, cues, reasoner.tags, inside)
    begins = 0 if inside else len(token_ids)
    positions = []
    for i, token in enumerate(token_ids):
        was_inside = reader.inside
        if reader.feed(token):
            positions.append(i)
        if reader.inside and not was_inside:
            begins = i + 1
    # A tag of several tokens is thinking until it is complete, and may hold a cue till then.
    return begins, reader.thinking, [at for at in positions if at < begins + reader.thinking]


@dataclass(frozen=True)
class Sketch:
    """A rollout whose cues are found but not yet read.

    Attributes:
        item: The problem.
        prompt: Token ids of its prompt.
        generation: What was written.
        positions: Indices into the generated tokens of those that complete a cue.
        begins: Index of the first token of the thinking.
        thinking: Its length in tokens.
        key: Seeds the sampling of answers.
        rollout: Which of the problem's rollouts it is.
    """

    item: Item
    prompt: list[int]
    generation: Generation
    positions: list[int]
    begins: int
    thinking: int
    key: int
    rollout: int = 0

    @property
    def request(self) -> ReadRequest:
        """The sequence up to the end of the thinking; the first read is before any thinking."""
        stop = self.begins + self.thinking
        start = len(self.prompt) + min(self.begins, len(self.generation.token_ids)) - 1
        at = [start, *(len(self.prompt) + p for p in self.positions)]
        return ReadRequest(self.prompt + self.generation.token_ids[:stop], at, self.key)
