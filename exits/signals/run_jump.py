"""Whether a trial answer stays much longer than those before it (ES-CoT, arXiv 2509.14004)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from statistics import mean, stdev

import torch
from scipy.stats import t as student
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class RunJump(TrialSignal):
    """How much longer the newest run of equal answers is than the one before it.

    The answers so far are run-length encoded, ``r_1 .. r_n``, with ``d_i = r_{i+1} - r_i``. The
    score is ``d_{n-1}`` where a one-sided t-test finds it above the mean of ``d_1 .. d_{n-2}``, and
    ``-inf`` elsewhere: also with fewer than two of these, which have no spread to test by, so that
    no exit comes before the fourth run. As a threshold, the paper's ``d_min`` is 10.

    The test is a heuristic: runs are not independent, and it is made anew at every cue.
    A missing answer belongs to no run, and ends one.

    Attributes:
        level: p-value below which the jump counts.
    """

    level: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level={self.level}: a p-value lies strictly between 0 and 1")

    def scores(self, trace: Rollout) -> Tensor:
        runs: list[int] = []
        last, jumps = "", []
        for answer in map(answer_key, trace.cues.answers):
            if answer and answer == last:
                runs[-1] += 1
            elif answer:
                runs.append(1)
            last = answer
            jumps.append(self._jump(runs) if answer else -inf)
        return torch.tensor(jumps, dtype=torch.float32)

    def _jump(self, runs: Sequence[int]) -> float:
        differences = [b - a for a, b in pairwise(runs)]
        if len(differences) < 3:
            return -inf
        *earlier, newest = differences
        return float(newest) if p_value(earlier, newest) < self.level else -inf


def p_value(earlier: Sequence[float], newest: float) -> float:
    """Test ``newest > mean(earlier)`` by the one-sided t-test of one sample.

    Args:
        earlier: At least two numbers. If they are all equal the test is certain: 0 or 1.
        newest: The number that their mean is compared with.
    """
    above, spread = newest - mean(earlier), stdev(earlier)
    if spread == 0:
        return 0.0 if above > 0 else 1.0
    n = len(earlier)
    return float(student.sf(above / (spread / sqrt(n)), n - 1))
