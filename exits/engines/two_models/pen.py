"""Write reasoning steps of several texts with one of two models, each step to its own end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.tracks import Texts, Tracks
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.stream import TextStream


@dataclass(frozen=True)
class StepEnd:
    """Where a step ends.

    Attributes:
        cues: What ends one.
        longest: Most tokens of a step.
        end: Tokens that end the text, and a step with it.
    """

    cues: CueSet
    longest: int
    end: set[int]


class _Step:
    """A step in the making."""

    def __init__(self, tokenizer: Any, most: int) -> None:
        self.stream, self.told, self.most = TextStream(tokenizer), "", most
        self.ids: list[int] = []

    def add(self, token: int, until: StepEnd) -> bool:
        """Add a token; say whether the step goes on."""
        self.ids.append(token)
        new = self.stream.push(token)
        self.told += new
        ends = token in until.end or until.cues.fires(self.told, len(new), len(self.ids))
        return not ends and len(self.ids) < self.most


class Pen:
    """Writes steps with a model that follows the texts.

    Args:
        tracks: The model.
        tokenizer: Its tokenizer.
        until: Where a step ends.
        decoding: How tokens are drawn.
        keys: Seed the sampling of each row.
    """

    def __init__(
        self,
        tracks: Tracks,
        tokenizer: Any,
        until: StepEnd,
        decoding: Decoding,
        keys: Sequence[int],
    ) -> None:
        self.tracks, self.tokenizer, self.until, self.decoding = tracks, tokenizer, until, decoding
        self.uniforms = [decoding.uniforms(key) for key in keys]

    def steps(self, so_far: Texts, written: Mapping[int, int]) -> dict[int, list[int]]:
        """Write a step of each text, of which ``written`` tokens were generated."""
        left = {row: self.decoding.max_new_tokens - done for row, done in written.items()}
        made = {row: _Step(self.tokenizer, min(self.until.longest, left[row])) for row in so_far}
        going = list(so_far)
        while going:
            read = self.tracks.follow({row: [*so_far[row], *made[row].ids] for row in going})
            logits = torch.cat([read[row] for row in going])
            at = [(row, written[row] + len(made[row].ids)) for row in going]
            numbers = torch.stack([self.uniforms[row][place] for row, place in at])
            tokens = self.decoding.draw(logits, numbers).tolist()
            pairs = zip(going, tokens, strict=True)
            going = [row for row, token in pairs if made[row].add(token, self.until)]
        return {row: step.ids for row, step in made.items()}
