"""How sure the model is of the answer it would give now (DEER, arXiv 2504.15895)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.trial import TrialSignal


@dataclass(frozen=True)
class TrialConfidence(TrialSignal):
    """Geometric mean probability of the forced answer's tokens; 0 where there is no answer.

    Greedy decoding makes each token's probability the largest of its step. The released code
    leaves the first token out; the paper's form, all of them, is kept.
    """

    def scores(self, trace: Rollout) -> Tensor:
        tokens = trace.cues.answer_tokens
        total = trace.cues.answer_logprobs.float().sum(-1)
        mean = (total / tokens.clamp(min=1)).exp()
        return torch.where(tokens > 0, mean, torch.zeros_like(mean))
