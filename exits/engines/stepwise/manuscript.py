"""One text written step by step: steps are drafted, kept or thrown away, and questions asked aside.

What is thrown away or read aside is charged; prompts are not, as nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.obedience import first_of_answer
from probexit.exits.engines.track import Track
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.reader import TAIL, CueReader
from probexit.hooks.cues.stream import TextStream
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import opens_thinking


@dataclass(frozen=True)
class DraftedStep:
    """A drafted step.

    Attributes:
        ids: Its tokens.
        logprobs: Log-probability of each under the model (temperature 1).
        text: What it says.
        cued: Whether a cue ended it, not a tag, the end of the text or the limit.
        ends: Whether it ends the text.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    text: str
    cued: bool
    ends: bool

    @property
    def mean_logprob(self) -> float:
        """Mean log-probability of its tokens."""
        return fmean(self.logprobs)


class Manuscript:
    """A text under way; batch of one.

    With nothing but ``keep(draft())`` it becomes what the loop writes by itself.

    Args:
        reasoner: Who writes.
        prompt: What it continues.
        decoding: How to generate; its batch size is not used.
        steps: Where a step of the thinking ends; tags and the end of the text end one too.
        key: Seeds the sampling, at least 0.

    Attributes:
        ids: Tokens that stand, text put in with them.
        charged: Tokens written in vain or read aside.
        closed: Whether the thinking was closed from outside.
        done: Whether the text is at its end.
        question: What was asked, for those that ask about it; "" if that is not known.
    """

    def __init__(
        self,
        reasoner: Reasoner,
        prompt: Sequence[int],
        decoding: Decoding,
        steps: CueSet,
        key: int = 0,
    ) -> None:
        self.reasoner, self.prompt, self.decoding = reasoner, list(prompt), decoding
        self.steps, self.key = steps, key
        self.ids: list[int] = []
        self.charged, self.question = 0, ""
        self.closed = self.done = False
        self.track = Track(reasoner.model, self.prompt)
        inside = opens_thinking(reasoner.tokenizer, reasoner.tags, self.prompt)
        self._reader = CueReader(reasoner.tokenizer, steps, reasoner.tags, inside)
        self._settled = self.track.mark  # all it has read is part of what stands
        self._last: DraftedStep | None = None
        self._uniforms = {0: decoding.uniforms(key)}

    @property
    def thinks(self) -> bool:
        """Whether the next token is thinking, tool calls excepted."""
        return self._reader.inside and not self._reader.muted

    @property
    def room(self) -> int:
        """Tokens that may still be written."""
        return self.decoding.max_new_tokens - len(self.ids)

    @property
    def may_leave(self) -> bool:
        """Whether the thinking is open, and there is room to close it and to answer."""
        closing = len(self.reasoner.closing_ids())
        return self.thinks and self.room > closing + self.reasoner.answer_tokens

    def draft(self, candidate: int = 0) -> DraftedStep:
        """Write a step without keeping it; each ``candidate`` draws its own random numbers."""
        self._settle()
        stream = TextStream(self.reasoner.tokenizer, self._tags)
        ids, logprobs, told, cued = list[int](), list[float](), "", False
        behind = self.text[-TAIL:] if self.thinks else ""
        while len(ids) < self.room and not cued:
            logits = self.track.follow([*self.prompt, *self.ids, *ids])[-1:]
            token = self._drawn(logits, len(self.ids) + len(ids), candidate)
            ids.append(token)
            logprobs.append(float(logits[0].log_softmax(-1)[token]))
            new = stream.push(token)
            told += new
            if token in self.reasoner.eos or any(tag in told for tag in self._tags):
                break
            number = self._reader.thinking + len(ids)
            cued = self.thinks and self.steps.fires(behind + told, len(new), number)
        self._last = DraftedStep(
            tuple(ids), tuple(logprobs), told, cued, ids[-1] in self.reasoner.eos
        )
        return self._last

    def keep(self, step: DraftedStep) -> None:
        """Let a drafted step stand."""
        if step is self._last:
            self._settled = self.track.mark
        self._stand(step.ids)
        self.done = step.ends or self.room <= 0

    def insert(self, ids: Sequence[int]) -> None:
        """Put tokens in as if the model had written them; they count as such."""
        self._stand(ids[: self.room])
        self.done = self.room <= 0

    def aside(self, ids: Sequence[int]) -> Tensor:
        """Read tokens behind the text on a copy; return the logits after them, ``[V]``.

        What is read is charged.
        """
        self._settle()
        logits = self.track.follow([*self.prompt, *self.ids, *ids])[-1]
        self.charged += len(ids)
        return logits

    def leave(self) -> None:
        """Close the thinking and let the model answer, greedily, as after every exit."""
        self.closed = True
        self.insert(self.reasoner.closing_ids())
        self._settle()
        first = True
        while not self.done:
            logits = self.track.follow([*self.prompt, *self.ids])[-1]
            token = first_of_answer(logits, self.reasoner.eos) if first else int(logits.argmax())
            self._stand([token])
            first, self.done = False, token in self.reasoner.eos or self.room <= 0

    def give_way(self, others: "Sequence[Manuscript]", chosen: int) -> None:
        """Let another text stand in place of this one; all others are charged, this one with them.

        Args:
            others: Texts about the same question.
            chosen: Which of them stands.
        """
        self.charged += len(self.ids) + sum(other.charged for other in others)
        self.charged += sum(len(other.ids) for i, other in enumerate(others) if i != chosen)
        self.ids, self.closed = others[chosen].ids, others[chosen].closed

    @property
    def text(self) -> str:
        """What stands, decoded, special tokens with it."""
        found: str = self.reasoner.tokenizer.decode(self.ids, skip_special_tokens=False)
        return found

    @property
    def _tags(self) -> tuple[str, ...]:
        tags = self.reasoner.tags
        return (tags.open, tags.close, *tags.mute)

    def _drawn(self, logits: Tensor, place: int, candidate: int) -> int:
        if candidate not in self._uniforms:
            self._uniforms[candidate] = self.decoding.uniforms((self.key << 8) + candidate)
        number = self._uniforms[candidate][place][None]
        greedy = torch.tensor([False], device=logits.device)
        return int(self.decoding.draw(logits, number, greedy))

    def _stand(self, ids: Sequence[int]) -> None:
        self.ids += ids
        for token in ids:
            self._reader.feed(token)

    def _settle(self) -> None:
        """Let the model have read what stands, and nothing else."""
        self.track.back(self._settled)
        self.track.follow([*self.prompt, *self.ids])
        self._settled, self._last = self.track.mark, None


@torch.inference_mode()
def read_prompt(reasoner: Reasoner, prompt: Sequence[int]) -> Tensor:
    """Return the next-token logits behind a prompt, ``[V]``."""
    return Track(reasoner.model, prompt).mark.logits
