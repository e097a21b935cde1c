"""For how many cues in a row the forced answer has not changed (arXiv 2506.02536)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class RunLength(TrialSignal):
    """The number of equal forced answers in a row, up to and with this cue.

    Answers are equal if their keys are: numbers by value, words by text. A cue without an answer
    counts 0, and the run starts anew after it: two missing answers do not agree.
    """

    def scores(self, trace: Rollout) -> Tensor:
        lengths: list[int] = []
        last = ""
        for answer in map(answer_key, trace.cues.answers):
            goes_on = answer != "" and answer == last
            lengths.append(lengths[-1] + 1 if goes_on else int(answer != ""))
            last = answer
        return torch.tensor(lengths, dtype=torch.float32)
