"""A recorded problem: what the model wrote, and what stopping at each cue would have given."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cues:
    """The cues of one trace, column by column; ``c`` cues, ``L`` recorded layers, ``d`` width.

    Attributes:
        positions: ``[c]`` index into ``Trace.token_ids`` of the token that completes each cue.
        hidden: ``[c, L, d]`` hidden state of that token at each recorded layer.
        step_hidden: ``[c, L, d]`` mean hidden state of the step that ends with that token: all
            thinking tokens since the previous cue.
        steps: Text of that step.
        entropy: ``[c]`` entropy (nats) of the model's next-token distribution there.
        top_logprobs: ``[c, k]`` its ``k`` largest log-probabilities, largest first.
        end_logprob: ``[c]`` log-probability of the end-of-thinking token.
        answers: Answer text of the forced exit at each cue.
        answer_ids: ``[c, a]`` its tokens (greedy), padded with -1.
        answer_logprobs: ``[c, a]`` their log-probabilities, padded with 0.
        answer_entropies: ``[c, a]`` entropy (nats) of the distributions they were chosen from,
            padded with 0; the first is the one right behind the closing text.
        correct: ``[c]`` bool, forced answer graded against gold.
        sampled_right: ``[c, K]`` bool, grades of ``K`` sampled forced answers; None if none were
            recorded.
    """

    positions: Tensor
    hidden: Tensor
    entropy: Tensor
    top_logprobs: Tensor
    end_logprob: Tensor
    step_hidden: Tensor
    steps: tuple[str, ...]
    answers: tuple[str, ...]
    answer_ids: Tensor
    answer_logprobs: Tensor
    answer_entropies: Tensor
    correct: Tensor
    sampled_right: Tensor | None = None

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def answer_tokens(self) -> Tensor:
        """``[c]`` tokens decoded for each forced answer (the closing text not counted)."""
        return (self.answer_ids >= 0).sum(-1)


@dataclass(frozen=True)
class Trace:
    """One rollout on one problem.

    Attributes:
        problem: Problem id; the unit of every split and every guarantee.
        rollout: Which sample of this problem.
        prompt_ids: ``[p]`` prompt tokens, as fed.
        token_ids: ``[t]`` generated tokens, thinking and answer.
        logprobs: ``[t]`` log-probability of each generated token.
        entropies: ``[t]`` entropy (nats) of the distribution each was drawn from.
        confidences: ``[t]`` mean negative log-probability of its 20 likeliest tokens (DeepConf,
            arXiv 2508.15260, equation 2).
        thinking: How many of ``token_ids`` are thinking (the end-of-thinking token not counted).
        finished: False if the run was cut off by the token limit.
        answer: The full run's answer text ("" if none); ``correct`` its grade.
        gold: The task's answer.
        cues: What was read and forced at the cues of the thinking.
        start: The forced exit before any thinking ("no thinking"), one row in the same columns
            (position -1), or None if it was not recorded.
        agrees: ``[c]`` bool, forced answer equal to ``answer`` under the task's grader.
        question: The question, for the reader.
        begins: Index in ``token_ids`` of the first thinking token (0 if the prompt opened it).
    """

    problem: str
    rollout: int
    prompt_ids: Tensor
    token_ids: Tensor
    logprobs: Tensor
    entropies: Tensor
    confidences: Tensor
    thinking: int
    finished: bool
    answer: str
    correct: bool
    gold: str
    cues: Cues
    agrees: Tensor
    start: Cues | None = None
    question: str = ""
    begins: int = 0

    def thinking_at(self, exit_index: int | None) -> int:
        """Thinking tokens spent when leaving at this cue (None = full run)."""
        if exit_index is None:
            return self.thinking
        return int(self.cues.positions[exit_index]) + 1 - self.begins

    def correct_at(self, exit_index: int | None) -> bool:
        """Whether the answer given when leaving at this cue is right."""
        return self.correct if exit_index is None else bool(self.cues.correct[exit_index])

    def stays_right(self) -> Tensor:
        """``[c]`` bool: right here and at every later cue and at the end."""
        right = torch.cat([self.cues.correct, torch.tensor([self.correct])]).flip(0)
        return right.cumprod(0).flip(0)[:-1].bool()
