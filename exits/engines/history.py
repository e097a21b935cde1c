"""What a running row has seen so far, as a rollout: a signal reads it as it reads a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from probexit.exits.engines.growing import Growing
from probexit.exits.engines.trials import TrialAnswer
from probexit.exits.rollout import Cues, Rollout


@dataclass(frozen=True)
class Foreseen:
    """Next-token distributions of some rows that think, on the device.

    Attributes:
        rows: Whose they are, in order.
        logprobs: ``[n, V]``.
        kept: ``[n, 2]`` their entropy (nats) and confidence.
    """

    rows: Sequence["History"]
    logprobs: Tensor
    kept: Tensor


@dataclass(frozen=True)
class CueReading:
    """What is read at one cue, on the host.

    Attributes:
        hidden: ``[L, d]`` bfloat16, states of the cue token.
        step_hidden: ``[L, d]`` bfloat16, their mean over the step.
        entropy: ``[]`` entropy (nats) of the next-token distribution.
        end_logprob: ``[]`` log-probability of the end-of-thinking token.
        top_logprobs: ``[k]`` the largest log-probabilities, largest first.
    """

    hidden: Tensor
    step_hidden: Tensor
    entropy: Tensor
    end_logprob: Tensor
    top_logprobs: Tensor


@dataclass(eq=False)
class History:
    """One row: its tokens, the steps between its cues, and what was read at them.

    What is read grows in place: a trace is views of it, made at each cue at the same cost.

    Attributes:
        tokenizer: Decodes the steps.
        prompt: ``[p]`` prompt tokens.
        begins: Index of the first thinking token; None as long as there is none.
        ids: Tokens so far.
        answers: Trial answers at the cues so far.
        foreseen: What its newest token will be drawn from, for the columns per token.
        sum: ``[L, d]`` sum of the states of the step so far, and ``summed``, of how many.
    """

    tokenizer: Any
    prompt: Tensor
    begins: int | None
    ids: list[int] = field(default_factory=list)
    answers: list[TrialAnswer] = field(default_factory=list)
    foreseen: Foreseen | None = None
    sum: Tensor | None = None
    summed: int = 0
    _steps: list[str] = field(default_factory=list)
    _step_begins: int | None = None
    _columns: dict[str, Growing] = field(default_factory=dict)

    def feed(self, token: int) -> None:
        """Note a token."""
        self.ids.append(token)

    def note(self, columns: Tensor) -> None:
        """Add to the columns per token: ``[n, 3]`` log-probability, entropy and confidence."""
        if "per_token" not in self._columns:  # nothing is known of tokens before the thinking
            columns = torch.cat([columns.new_zeros(len(self.ids) - len(columns), 3), columns])
        self._extend("per_token", columns)

    def at_cue(self, reading: CueReading) -> None:
        """Note what was read at the newest token, a cue."""
        start = self.begins or 0 if self._step_begins is None else self._step_begins
        self._step_begins = len(self.ids)
        self._steps.append(self.tokenizer.decode(self.ids[start:]))
        self._extend("positions", torch.tensor([len(self.ids) - 1]))
        for name in _READ:
            self._extend(name, getattr(reading, name)[None])

    def trace(self) -> Rollout:
        """Return the row so far, its newest cue the last."""
        begins = self.begins or 0
        known = len(self._columns["ids"]) if "ids" in self._columns else 0
        self._extend("ids", torch.tensor(self.ids[known:], dtype=torch.long))
        logprobs, entropies, confidences = self._per_token()
        return Rollout(
            prompt_ids=self.prompt,
            token_ids=self._columns["ids"].view(),
            logprobs=logprobs,
            entropies=entropies,
            confidences=confidences,
            thinking=len(self.ids) - begins,
            cues=self._cues(),
            begins=begins,
        )

    def _per_token(self) -> tuple[Tensor, ...]:
        """Return the columns per token, ``[t]`` each; 0 where nothing is noted."""
        if "per_token" not in self._columns:
            return (torch.zeros(len(self.ids)),) * 3
        return self._columns["per_token"].view().unbind(1)

    def _cues(self) -> Cues:
        made = [*self.answers, *[TrialAnswer()] * (len(self._steps) - len(self.answers))]
        return Cues(
            positions=self._columns["positions"].view(),
            steps=tuple(self._steps),
            **{name: self._columns[name].view() for name in _READ},
            answers=tuple(a.text for a in made),
            answer_ids=_padded([a.ids for a in made], -1),
            answer_logprobs=_padded([a.logprobs for a in made], 0.0),
            answer_entropies=_padded([a.entropies for a in made], 0.0),
        )

    def _extend(self, name: str, rows: Tensor) -> None:
        if name not in self._columns:
            self._columns[name] = Growing(rows)
        self._columns[name].extend(rows)


_READ = tuple(field.name for field in fields(CueReading))


def _padded(rows: Sequence[Sequence[float]], fill: float) -> Tensor:
    dtype = torch.long if isinstance(fill, int) else torch.float32
    columns = [torch.tensor(list(row), dtype=dtype) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(columns, True, fill)
