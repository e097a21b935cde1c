"""For how many probes in a row the model gave the same answer without hesitating (Dynasor).

Certaindex for one chain of thought (arXiv 2412.20993; the rule of its released Dynasor-CoT).
"""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal
from probexit.exits.signals.whole_words import whole_words


@dataclass(frozen=True)
class CertainRun(TrialSignal):
    """The number of equal, certain probes in a row, up to and with this one.

    A probe is made at the first cue at least ``chunk`` thinking tokens after the last one (or after
    the thinking began). It is certain if it has an answer and its text holds no word of
    hesitation; the run starts anew after one that is not. A run of N at least is what the code
    asks for, and the paper's ``C_k = (1/w) sum 1[y_j = y_k] >= tau`` at ``w = N`` and ``tau = 1``.
    Cues without a probe score ``-inf``.

    The code matches substrings, so that "no" is found in "know"; here words are whole. Answers are
    equal if their texts are, spaces at the ends aside; the code compares them as mathematics.
    What is searched for hesitation is the text of the answer, all that is kept of a trial.

    Attributes:
        chunk: Least thinking tokens between two probes.
        hesitation: Words of which none may occur.
    """

    chunk: int = 64
    hesitation: tuple[str, ...] = ("wait", "hold", "but", "okay", "no", "hmm")

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise ValueError(f"chunk={self.chunk}: probes are at least 1 token apart")

    def trials(self, trace: Rollout) -> Tensor:
        made, last = [], 0
        for spent in (trace.cues.positions + 1 - trace.begins).tolist():
            made.append(spent - last >= self.chunk)
            last = spent if made[-1] else last
        return torch.tensor(made, dtype=torch.bool)

    def scores(self, trace: Rollout) -> Tensor:
        lengths = torch.full((len(trace.cues),), -inf)
        run, last = 0, ""
        for cue in self.trials(trace).nonzero().flatten().tolist():
            text = trace.cues.answers[cue]
            answer = answer_key(text)
            certain = answer != "" and not whole_words(self.hesitation).search(text)
            run = run + 1 if certain and answer == last else int(certain)
            last, lengths[cue] = answer, run
        return lengths
