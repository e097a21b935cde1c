"""Draft each of several samples from what the others wrote; lossless (arXiv 2503.05330).

No draft model: where the newest tokens of a sample stand in another sample as well, what follows
there is drafted. A draft is kept as far as the sample would have drawn the very same tokens with
its own random numbers, so every text is the one that plain decoding writes, token for token.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.tracks import Mark, Tracks


@dataclass
class DraftedSample:
    """One sample.

    Attributes:
        ids: Generated tokens, end-of-sequence included.
        drafted: Tokens that were drafted.
        kept: Drafts among them that stayed.
        passes: Forward passes in which it was read, the prompt's with them.
    """

    ids: list[int] = field(default_factory=list)
    drafted: int = 0
    kept: int = 0
    passes: int = 0


class SuffixIndex:
    """Where each run of ``width`` tokens ends in some texts.

    Args:
        width: Tokens of a suffix.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.texts: dict[int, list[int]] = {}
        self._ends: dict[tuple[int, ...], list[tuple[int, int]]] = {}

    def extend(self, text: int, ids: Sequence[int]) -> None:
        """Add tokens to a text, which begins empty."""
        own = self.texts.setdefault(text, [])
        for token in ids:
            own.append(token)
            if len(own) >= self.width:
                key = tuple(own[-self.width :])
                self._ends.setdefault(key, []).append((text, len(own)))

    def continuations(self, text: int, most: int) -> list[list[int]]:
        """Return what follows a text's newest tokens in the other texts, up to ``most`` tokens."""
        found = self._ends.get(tuple(self.texts.get(text, [])[-self.width :]), [])
        every = [self.texts[other][end : end + most] for other, end in found if other != text]
        return [ids for ids in every if ids]


def consensus(continuations: Sequence[Sequence[int]]) -> list[int]:
    """Return the continuation that most agree on, token by token; the earliest of equals.

    The paper weighs a graph of all continuations, whose weights could not be read; here a token
    weighs as many continuations as have led to it.
    """
    draft: list[int] = []
    left = [list(ids) for ids in continuations]
    while left := [ids for ids in left if len(ids) > len(draft)]:
        token, _ = Counter(ids[len(draft)] for ids in left).most_common(1)[0]
        left = [ids for ids in left if ids[len(draft)] == token]
        draft.append(token)
    return draft


@dataclass(frozen=True)
class ConsensusDrafts:
    """Writes samples of one prompt together, all of them in each pass.

    Attributes:
        suffix: Tokens that must be the same; the paper's number could not be read.
        longest: Most drafts of a sample per pass; 0 drafts nothing.
    """

    suffix: int = 3
    longest: int = 8

    def __post_init__(self) -> None:
        if self.suffix < 1 or self.longest < 0:
            raise ValueError(
                f"suffix={self.suffix} must be at least 1, and longest={self.longest} at least 0"
            )

    @torch.inference_mode()
    def write(
        self,
        model: Any,
        prompt: Sequence[int],
        end: set[int],
        decoding: Decoding,
        keys: Sequence[int],
    ) -> list[DraftedSample]:
        """Continue a prompt once for each key.

        Args:
            model: A causal LM.
            prompt: Token ids.
            end: Tokens that end a text.
            decoding: How to generate; its batch size is not used.
            keys: Seed the sampling of each sample.

        Raises:
            ValueError: if the prompt is empty, or the model is one that ``Tracks`` refuses.
        """
        tracks = Tracks(model, [prompt for _ in keys])
        uniforms = [decoding.uniforms(key) for key in keys]
        samples = [DraftedSample() for _ in keys]
        index = SuffixIndex(self.suffix)
        going = list(range(len(keys)))
        while going:
            drafts = {row: self._draft(index, row, samples[row], decoding) for row in going}
            texts = {row: [*prompt, *samples[row].ids] for row in going}
            read = tracks.follow(texts, drafts)
            back = {}
            for row, draft in drafts.items():
                sample, begin = samples[row], len(samples[row].ids)
                drawn = decoding.draw(
                    read[row], uniforms[row][begin : begin + len(draft) + 1]
                ).tolist()
                kept, new = accepted(draft, drawn, end)
                sample.ids += new
                sample.drafted, sample.kept = sample.drafted + len(draft), sample.kept + kept
                index.extend(row, new)
                if kept < len(draft):
                    back[row] = Mark(len(texts[row]) + kept, read[row][kept])
            if back:
                tracks.back(back)
            going = [row for row in going if _goes_on(samples[row], end, decoding)]
        for sample, effort in zip(samples, tracks.efforts, strict=True):
            sample.passes = effort.passes
        return samples

    def _draft(
        self, index: SuffixIndex, row: int, sample: DraftedSample, decoding: Decoding
    ) -> list[int]:
        room = decoding.max_new_tokens - len(sample.ids) - 1
        most = min(self.longest, room)
        return consensus(index.continuations(row, most)) if most > 0 else []


def accepted(draft: Sequence[int], drawn: Sequence[int], end: set[int]) -> tuple[int, list[int]]:
    """Return how many drafts stay, and the new tokens: those, and the one drawn behind them.

    Args:
        draft: ``m`` tokens.
        drawn: ``m + 1`` tokens drawn at their places and at the one after.
        end: Tokens that end a text, behind which nothing stays.
    """
    kept = 0
    while kept < len(draft) and draft[kept] == drawn[kept] and drawn[kept] not in end:
        kept += 1
    return kept, list(drawn[: kept + 1])


def _goes_on(sample: DraftedSample, end: set[int], decoding: Decoding) -> bool:
    return len(sample.ids) < decoding.max_new_tokens and sample.ids[-1] not in end
