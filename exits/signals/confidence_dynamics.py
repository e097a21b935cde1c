"""Sure of the answer, or unsure for too long: both are a reason to stop (CoDE-Stop)."""

from dataclasses import dataclass
from math import inf, log

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal

SUREST = -1e-12  # log-probability beyond which more confidence is rounding


@dataclass(frozen=True)
class ConfidenceDynamics(TrialSignal):
    """The two conditions of CoDE-Stop (arXiv 2604.04930) as one score, with one dial.

    At step ``k = 1, 2, ..``, after ``T_k`` thinking tokens and with confidence ``c_k`` in the trial
    answer, the paper stops if

        c_k >= r_k = min(r_max, r_min + (r_max - r_min) k / steps)                 (it has arrived)
        or D_k = sum_i (log(T_k / T_i) + 1) 1[2 c_i - c_{i-1} < delta] >= tau      (it never will).

    The score is the log of how many times over either is met, ``odds(c_k) / odds(r_k)`` or
    ``D_k / tau``, whichever is more, with ``odds(p) = p / (1 - p)``. So the threshold 0 is the
    published rule, and a larger one asks more of both; a dial of tau alone could never exit less
    than the first condition does.

    Not stated where we read it, and chosen here: ``r_max``, ``c_0 = c_1``, and the confidence, the
    geometric mean probability of the answer's tokens, 0 without an answer.

    Attributes:
        tau: Degeneration at which to give up.
        r_min: Where the demanded confidence begins to rise.
        r_max: Where it ends.
        steps: Steps that this takes.
        delta: Below it a step is unstable.
    """

    tau: float = 5.0
    r_min: float = 0.9
    r_max: float = 0.95
    steps: int = 2
    delta: float = 0.55

    def __post_init__(self) -> None:
        if not (self.tau > 0 and self.steps > 0):
            raise ValueError(f"tau={self.tau} and steps={self.steps} must be positive")
        if not 0 < self.r_min <= self.r_max < 1:
            raise ValueError(f"r_min={self.r_min}, r_max={self.r_max}: give 0 < r_min <= r_max < 1")

    def scores(self, trace: Rollout) -> Tensor:
        confidence = _mean_logprob(trace).clamp(max=SUREST)
        arrived = (
            confidence - (-torch.expm1(confidence)).log() - self._demanded(len(trace.cues)).logit()
        )
        given_up = self.degeneration(trace).log() - log(self.tau)
        return torch.maximum(arrived, given_up).float()

    def degeneration(self, trace: Rollout) -> Tensor:
        """Return ``D_k`` at each cue, ``[c]`` float64."""
        c, spent = _mean_logprob(trace).exp(), trace.cues.positions + 1 - trace.begins
        before = torch.cat([c[:1], c[:-1]])
        unstable = (2 * c - before < self.delta).double()
        logs = spent.double().log()
        return (logs + 1) * unstable.cumsum(0) - (logs * unstable).cumsum(0)

    def _demanded(self, c: int) -> Tensor:
        """Return ``r_k`` at each cue, ``[c]`` float64."""
        risen = (torch.arange(1, c + 1, dtype=torch.float64) / self.steps).clamp(max=1)
        return self.r_min + (self.r_max - self.r_min) * risen


def _mean_logprob(trace: Rollout) -> Tensor:
    """Average over the tokens of each trial answer, ``[c]`` float64; ``-inf`` without an answer."""
    tokens = trace.cues.answer_tokens
    mean = trace.cues.answer_logprobs.double().sum(-1) / tokens.clamp(min=1)
    return mean.masked_fill(tokens == 0, -inf)
