"""The contract of a check: one thing that works on a model or does not, tried on the model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from probexit.hooks.models import Reasoner
from probexit.hooks.padding import padded
from probexit.hooks.think_tags import opens_thinking

QUESTIONS = (
    "What is 17 + 25?",
    "A train leaves at 9 and arrives at 12. How many hours does it take?",
    "Name a prime number.",
    "List the factors of 36, from the smallest to the largest, and say how many there are.",
)
NEW = 8  # tokens written in each trial
TIE = 2e-3  # nats within which two tokens tie in float32


class Status(Enum):
    """How a check ended."""

    HAS = "has"
    HAS_NOT = "has not"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: What was tried.
        status: HAS if it works, HAS_NOT if it is refused by name, WRONG if it would be wrong
            without a word.
        detail: What was seen.
        remedy: What the user can do; "" if there is nothing to do.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""

    @property
    def wrong(self) -> bool:
        """Whether a user would be misled."""
        return self.status is Status.WRONG


@dataclass(frozen=True)
class Plain:
    """What the model writes: tokens ``[n]`` and the log-probabilities ``[n, V]`` they come from."""

    tokens: list[int]
    logprobs: Tensor


@dataclass
class Subject:
    """The model under test, and what it does without the toolkit.

    Attributes:
        reasoner: The model, its tokenizer, tags and closing text.
        tie: Distance (nats) below which two log-probabilities count as equal.
    """

    reasoner: Reasoner
    tie: float = field(init=False)

    def __post_init__(self) -> None:
        self.tie = TIE if self.model.dtype == torch.float32 else 0.1

    @property
    def model(self) -> Any:
        """The model."""
        return self.reasoner.model

    @cached_property
    def prompts(self) -> list[list[int]]:
        """Four prompts of different length that end inside the thinking."""
        return [self._thinking(self.reasoner.prompt(question)) for question in QUESTIONS]

    def _thinking(self, prompt: list[int]) -> list[int]:
        tokenizer, tags = self.reasoner.tokenizer, self.reasoner.tags
        if opens_thinking(tokenizer, tags, prompt):
            return prompt
        return [*prompt, *tokenizer.encode(tags.open, add_special_tokens=False)]

    @cached_property
    def alone(self) -> list[Plain]:
        """What plain ``generate`` writes on each prompt alone, greedily."""
        return [self.generate([prompt])[0] for prompt in self.prompts]

    @cached_property
    def batched(self) -> list[Plain]:
        """What plain ``generate`` writes on all of them in one left-padded batch."""
        return self.generate(self.prompts)

    @cached_property
    def batch_dependence(self) -> float:
        """How far (nats) a prompt's text moves when another of the same length runs beside it.

        Nothing is padded: a model that moves here depends on its batch by itself, as those do whose
        activations are quantised by the largest of a batch.
        """
        longest = max(self.prompts, key=len)
        alone = self.generate([longest])[0]
        return self.difference(self.generate([longest, longest[::-1]])[0], alone)

    @property
    def thinking_row(self) -> int:
        """The first row that thinks for at least four tokens.

        Raises:
            ValueError: if none does.
        """
        end = self.reasoner.closing_ids()[0]
        for row, plain in enumerate(self.batched):
            if len(plain.tokens) > 4 and end not in plain.tokens[:4]:
                return row
        raise ValueError("on no prompt does the model think for four tokens")

    def generate(
        self, prompts: list[list[int]], width: int | None = None, **settings: Any
    ) -> list[Plain]:
        """Run ``model.generate`` greedily on prompts, left-padded to ``width`` at least."""
        pad = self.reasoner.tokenizer.pad_token_id or 0
        ids, mask = padded(prompts, "left", pad, width or 0)
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                do_sample=False,
                output_logits=True,
                return_dict_in_generate=True,
                **{"max_new_tokens": NEW, **settings},
            )
        logprobs = torch.stack(out.logits, 1).float().log_softmax(-1).cpu()
        written = out.sequences[:, ids.shape[1] :].tolist()
        return [Plain(self._cut(row), logprobs[i]) for i, row in enumerate(written)]

    def _cut(self, row: list[int]) -> list[int]:
        stop = next((i for i, token in enumerate(row) if token in self.reasoner.eos), len(row))
        return row[: stop + 1]

    def difference(self, one: Plain, other: Plain) -> float:
        """Return the largest distance (nats) of the written tokens' log-probabilities.

        Two texts may part at a tie; only what comes before is compared then. The last token is
        left out, which some models force to be their end.
        """
        largest = 0.0
        steps = zip(one.tokens[: NEW - 1], other.tokens[: NEW - 1], strict=False)
        for step, (a, b) in enumerate(steps):
            gap = abs(float(one.logprobs[step, a] - other.logprobs[step, a]))
            if a != b:
                apart = abs(float(one.logprobs[step, a] - one.logprobs[step, b]))
                return max(largest, 0.0 if apart <= 2 * self.tie else apart)
            largest = max(largest, gap)
        return largest


class ModelCheck(ABC):
    """Tries one thing; a check that raises ValueError found that it is refused by name.

    Attributes:
        title: What is tried, for the table.
        short: Whether ``record`` tries it before it begins.
    """

    title: ClassVar[str]
    short: ClassVar[bool] = False

    @abstractmethod
    def run(self, subject: Subject) -> Finding:
        """Try it.

        Raises:
            ValueError: if the toolkit refuses the model here, with the reason and the remedy.
        """

    def has(self, detail: str) -> Finding:
        """Say that it works."""
        return Finding(self.title, Status.HAS, detail)

    def has_not(self, detail: str, remedy: str = "") -> Finding:
        """Say that it does not, and is refused."""
        return Finding(self.title, Status.HAS_NOT, detail, remedy)

    def wrong(self, detail: str, remedy: str) -> Finding:
        """Say that it would be wrong without a word."""
        return Finding(self.title, Status.WRONG, detail, remedy)

    def judge(self, distance: float, tie: float, remedy: str) -> Finding:
        """Judge a distance (nats) between what should be equal."""
        if distance <= tie:
            return self.has(f"equal within {tie:g} nats (largest {distance:.1g})")
        return self.wrong(f"{distance:.2g} nats apart", remedy)
