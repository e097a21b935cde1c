"""Weigh samples by their length and their markers (Think Deep, Think Fast, arXiv 2504.14047)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.samples.base import Sample, SampleRule, State
from probexit.exits.signals.whole_words import whole_words

HEDGES = ("maybe", "perhaps", "might", "possibly", "likely", "seems", "I think")
THINKING = ("wait", "hmm", "alternatively", "let me check", "actually")
DISCOURSE = ("therefore", "thus", "so", "first", "next", "then", "finally", "because")
FEATURES = ("length", "hedging", "thinking", "discourse")
PUBLISHED = (-1.0, -1.0, -1.0, 1.0)

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class MarkerVote(SampleRule):
    """Stops no sample; each answer counts ``softmax(score)`` among those that ended by themselves.

    ``score`` is the sum of the features' z-scores over these samples (population standard
    deviation; 0 where they do not differ), each by its weight. Right responses of reasoning models
    were found to be shorter, to hedge and to turn on themselves less, and to have more discourse
    markers: so minus for the first three and plus for the last. That the features choose among
    samples in this way, and the lists of words, are a reading of the abstract: not verified.

    Attributes:
        signs: Weights of ``FEATURES``; one that is 0 is left out (length alone: -1, 0, 0, 0).
        hedges: Hedging words.
        thinking: Thinking markers.
        discourse: Discourse markers.
    """

    reads_text: ClassVar[bool] = True
    signs: tuple[float, ...] = PUBLISHED
    hedges: tuple[str, ...] = HEDGES
    thinking: tuple[str, ...] = THINKING
    discourse: tuple[str, ...] = DISCOURSE

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.signs) != len(FEATURES):
            raise ValueError(f"signs={self.signs}: give one weight for each of {FEATURES}")

    def stop(self, group: Sequence[Sample]) -> list[int]:
        return []

    def weights(self, group: Sequence[Sample]) -> list[float]:
        ended = [i for i, sample in enumerate(group) if sample.state is State.FINISHED]
        weights = [0.0] * len(group)
        if ended:
            shares = self.scores([group[i] for i in ended]).softmax(0).tolist()
            for i, share in zip(ended, shares, strict=True):
                weights[i] = share
        return weights

    def scores(self, samples: Sequence[Sample]) -> Tensor:
        """Return the score of each sample among these, ``[n]`` float64; larger = better."""
        table = torch.stack([self.features(sample.text, sample.tokens) for sample in samples])
        signs = torch.tensor(self.signs, dtype=torch.float64)
        return standardised(table) @ signs

    def features(self, text: str, tokens: int) -> Tensor:
        """Describe a response, ``[4]`` float64: its tokens, and its markers per 1,000 words."""
        words = max(1, len(_WORD.findall(text)))
        lists = (self.hedges, self.thinking, self.discourse)
        counts = [len(whole_words(markers).findall(text)) for markers in lists]
        densities = [1000 * count / words for count in counts]
        return torch.tensor([float(tokens), *densities], dtype=torch.float64)


def standardised(table: Tensor) -> Tensor:
    """Return the z-scores of each column of ``[n, f]``; 0 in a column without variance."""
    spread = table.std(0, correction=0)
    return torch.where(spread > 0, (table - table.mean(0)) / spread.clamp(min=1e-12), 0.0)
