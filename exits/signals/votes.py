"""How many forced answers so far agree with this one (Fractured Sampling, arXiv 2505.12992)."""

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class Votes(TrialSignal):
    """The number of cues up to and with this one whose forced answer is this one's.

    Unlike a run, votes need not be consecutive. The first answer to reach a number of votes reaches
    it at a cue that gives it, so leaving there answers with the leader of the vote. Answers are
    equal if their keys are: numbers by value, words by text; a cue without an answer counts 0.
    """

    def scores(self, trace: Rollout) -> Tensor:
        seen: Counter[str] = Counter()
        counts: list[int] = []
        for answer in map(answer_key, trace.cues.answers):
            seen[answer] += 1
            counts.append(seen[answer] if answer else 0)
        return torch.tensor(counts, dtype=torch.float32)
