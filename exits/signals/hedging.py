"""How much the thinking hedges (Think Deep, Think Fast, arXiv 2504.14047)."""

import re
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.signals.whole_words import whole_words

_WORD = re.compile(r"\w+")
HEDGES = ("maybe", "perhaps", "possibly", "probably", "might", "not sure", "unsure", "unclear")
DOUBTS = ("wait", "hmm", "alternatively", "actually", "hold on", "let me check", "double-check")
DISCOURSE = ("so", "thus", "hence", "therefore", "because", "since", "first", "then", "finally")


@dataclass(frozen=True)
class HedgingDensity(Signal):
    """Discourse markers less hedging and thinking markers, per word of the thinking so far.

    The paper finds that right answers come with fewer hedging and thinking markers and with more
    discourse markers than wrong ones. Its word lists were not verified; these are of its kind.
    Markers are counted step by step, as whole words in any case. Without a word: ``-inf``.

    Attributes:
        doubtful: Hedging and thinking markers.
        discourse: Discourse markers.
    """

    doubtful: tuple[str, ...] = HEDGES + DOUBTS
    discourse: tuple[str, ...] = DISCOURSE

    def __post_init__(self) -> None:
        whole_words(self.doubtful), whole_words(self.discourse)  # refuses what is no list of words

    def scores(self, trace: Rollout) -> Tensor:
        doubtful, discourse = whole_words(self.doubtful), whole_words(self.discourse)
        counts = [
            (len(discourse.findall(step)) - len(doubtful.findall(step)), len(_WORD.findall(step)))
            for step in trace.cues.steps
        ]
        balance, words = torch.tensor(counts).reshape(-1, 2).cumsum(0).unbind(1)
        return torch.where(words > 0, balance / words.clamp(min=1), -inf).float()
