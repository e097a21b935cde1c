"""What can be seen of a model's thinking, recorded or live: signals and policies get this alone."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Cues:
    """The cues of one rollout, column by column; ``c`` cues, ``L`` recorded layers, ``d`` width.

    Attributes:
        positions: ``[c]`` index into ``Rollout.token_ids`` of the token that completes each cue.
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

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def answer_tokens(self) -> Tensor:
        """``[c]`` tokens decoded for each forced answer (the closing text not counted)."""
        return (self.answer_ids >= 0).sum(-1)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What a model wrote for one prompt, so far or to its end, and what was read at its cues.

    Nothing here is known only in hindsight: no grade, no right answer, not what the full run says.

    Attributes:
        prompt_ids: ``[p]`` prompt tokens, as fed.
        token_ids: ``[t]`` generated tokens, thinking and answer.
        logprobs: ``[t]`` log-probability of each generated token.
        entropies: ``[t]`` entropy (nats) of the distribution each was drawn from.
        confidences: ``[t]`` mean negative log-probability of its 20 likeliest tokens (DeepConf,
            arXiv 2508.15260, equation 2).
        thinking: How many of ``token_ids`` are thinking (the end-of-thinking token not counted).
        cues: What was read and forced at the cues of the thinking.
        begins: Index in ``token_ids`` of the first thinking token (0 if the prompt opened it).
        problem: Problem id, the unit of every split and every guarantee; "" of a live request.
        rollout: Which sample of this problem.
    """

    prompt_ids: Tensor
    token_ids: Tensor
    logprobs: Tensor
    entropies: Tensor
    confidences: Tensor
    thinking: int
    cues: Cues
    begins: int = 0
    problem: str = ""
    rollout: int = 0

    def thinking_at(self, exit_index: int | None) -> int:
        """Thinking tokens spent when leaving at this cue (None = full run)."""
        if exit_index is None:
            return self.thinking
        return int(self.cues.positions[exit_index]) + 1 - self.begins
