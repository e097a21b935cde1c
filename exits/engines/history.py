"""What a running row has seen so far, as a rollout: a signal reads it as it reads a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from probexit.exits.engines.summaries import TOP, entropy
from probexit.exits.engines.trials import TrialAnswer
from probexit.exits.rollout import Cues, Rollout


@dataclass
class History:
    """One row: its tokens, the steps between its cues, and what was read at them.

    Attributes:
        tokenizer: Decodes the steps.
        prompt: ``[p]`` prompt tokens.
        begins: Index of the first thinking token; None as long as there is none.
    """

    tokenizer: Any
    prompt: Tensor
    begins: int | None
    ids: list[int] = field(default_factory=list)
    per_token: list[tuple[float, float, float]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    answers: list[TrialAnswer] = field(default_factory=list)
    _next: tuple[Tensor, float, float] | None = None
    _sum: Tensor | None = None
    _summed: int = 0

    def feed(self, token: int, hidden: Tensor | None) -> None:
        """Note a token and its states ``hidden [L, d]``, if any are read."""
        self.ids.append(token)
        if self.begins is not None and hidden is not None:
            self._sum = hidden.float() if self._sum is None else self._sum + hidden.float()
            self._summed += 1

    def foresee(self, logprobs: Tensor, token_entropy: float, token_confidence: float) -> None:
        """Note the next-token ``logprobs [V]``, for the columns per token.

        Args:
            logprobs: The distribution.
            token_entropy: Its entropy (nats).
            token_confidence: Its ``confidence``.
        """
        if self._next is not None:
            before, was_entropy, was_confidence = self._next
            self.per_token.append((float(before[self.ids[-1]]), was_entropy, was_confidence))
        self._next = (logprobs, token_entropy, token_confidence)

    def at_cue(self, hidden: Tensor, logits: Tensor, end: int) -> None:
        """Note a cue: ``hidden [L, d]``, next-token ``logits [V]``, the end-of-thinking token."""
        logprobs = logits.float().log_softmax(-1)
        start = self.readings[-1]["positions"] + 1 if self.readings else self.begins or 0
        mean = hidden if self._sum is None else self._sum / self._summed
        self._sum, self._summed = None, 0
        self.readings.append(
            {
                "positions": len(self.ids) - 1,
                "hidden": hidden.to(torch.bfloat16).cpu(),
                "step_hidden": mean.to(torch.bfloat16).cpu(),
                "steps": self.tokenizer.decode(self.ids[start:]),
                "entropy": entropy(logprobs).cpu(),
                "top_logprobs": logprobs.topk(min(TOP, len(logprobs))).values.cpu(),
                "end_logprob": logprobs[end].cpu(),
            }
        )

    def trace(self) -> Rollout:
        """Return the row so far, its newest cue the last."""
        begins = self.begins or 0
        unread = len(self.ids) - len(self.per_token)  # those before the thinking
        tokens = torch.tensor([(0.0, 0.0, 0.0)] * unread + self.per_token).reshape(-1, 3).unbind(1)
        return Rollout(
            prompt_ids=self.prompt,
            token_ids=torch.tensor(self.ids),
            logprobs=tokens[0],
            entropies=tokens[1],
            confidences=tokens[2],
            thinking=len(self.ids) - begins,
            cues=self._cues(),
            begins=begins,
        )

    def _cues(self) -> Cues:
        made = [*self.answers, *[TrialAnswer()] * (len(self.readings) - len(self.answers))]
        return Cues(
            positions=torch.tensor([r["positions"] for r in self.readings], dtype=torch.long),
            steps=tuple(r["steps"] for r in self.readings),
            **{name: torch.stack([r[name] for r in self.readings]) for name in _STACKED},
            answers=tuple(a.text for a in made),
            answer_ids=_padded([a.ids for a in made], -1),
            answer_logprobs=_padded([a.logprobs for a in made], 0.0),
            answer_entropies=_padded([a.entropies for a in made], 0.0),
        )


_STACKED = ("hidden", "step_hidden", "entropy", "top_logprobs", "end_logprob")


def _padded(rows: Sequence[Sequence[float]], fill: float) -> Tensor:
    dtype = torch.long if isinstance(fill, int) else torch.float32
    columns = [torch.tensor(list(row), dtype=dtype) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(columns, True, fill)
