"""How sure the model is of a trial answer, for the first ten of them (DEER, arXiv 2504.15895)."""

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class DeerArithmetic(TrialSignal):
    r"""Arithmetic mean probability of the trial answer's tokens (the code's ``avg1``: R1, QwQ).

    0 where there is no answer; ``-inf`` where no trial is made any more. Greedy decoding makes
    each token's probability the largest of its step.

    Attributes:
        limit: Most trials (the code's ``max_judge_steps``).
        skip: Tokens at the start of an answer to leave out, if more follow. The code leaves out 1:
            its closing text ends in "\boxed", and the first token is the brace.
    """

    limit: int = 10
    skip: int = 0

    def __post_init__(self) -> None:
        if self.limit < 0 or self.skip < 0:
            raise ValueError(f"limit={self.limit} and skip={self.skip} must not be negative")

    def trials(self, trace: Rollout) -> Tensor:
        return torch.arange(len(trace.cues)) < self.limit

    def scores(self, trace: Rollout) -> Tensor:
        kept = self._kept(trace)
        mean = self.mean(trace.cues.answer_logprobs.float(), kept)
        confidence = torch.where(kept.any(-1), mean, torch.zeros_like(mean))
        return confidence.masked_fill(~self.trials(trace), -inf)

    def mean(self, logprobs: Tensor, kept: Tensor) -> Tensor:
        """Average the probabilities ``[c, a]`` over the tokens that are ``kept [c, a]``."""
        return (logprobs.exp() * kept).sum(-1) / kept.sum(-1).clamp(min=1)

    def _kept(self, trace: Rollout) -> Tensor:
        """Tell which tokens count, ``[c, a]`` bool: all of an answer no longer than ``skip``."""
        there = trace.cues.answer_ids >= 0
        late = torch.arange(there.shape[1]) >= self.skip
        return there & (late | (there.sum(-1, keepdim=True) <= self.skip))
