"""The contract of a way to write one text step by step."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.hooks.cues.base import CueSet
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class Assignment:
    """What is asked.

    Attributes:
        prompt: Token ids.
        question: The question in words; "" if that is not known.
    """

    prompt: Sequence[int]
    question: str = ""


@dataclass(frozen=True)
class StepwiseText:
    """A text that was written step by step.

    Attributes:
        token_ids: Generated tokens, text put in and end-of-sequence included.
        charged: Tokens written in vain or read aside.
        closed: Whether the engine closed the thinking.
        finished: Whether it ended by itself, not by the token limit.
    """

    token_ids: list[int]
    charged: int
    closed: bool
    finished: bool


@dataclass(frozen=True)
class StepwiseEngine(ABC):
    """Writes one text at a time; fields are its configuration."""

    @property
    @abstractmethod
    def steps(self) -> CueSet:
        """Where a step ends."""

    @abstractmethod
    def fill(self, text: Manuscript) -> None:
        """Write a text to its end."""

    @torch.inference_mode()
    def write(
        self, reasoner: Reasoner, asked: Assignment, decoding: Decoding, key: int = 0
    ) -> StepwiseText:
        """Continue a prompt.

        Args:
            reasoner: The model and what is known of it.
            asked: What it is asked.
            decoding: How to generate; its batch size is not used.
            key: Seeds the sampling, at least 0.

        Raises:
            ValueError: if the prompt is empty, the model is in training mode, or its layers keep a
                state that cannot be cut back.
        """
        text = Manuscript(reasoner, asked.prompt, decoding, self.steps, key)
        text.question = asked.question
        self.fill(text)
        finished = bool(text.ids) and text.ids[-1] in reasoner.eos
        return StepwiseText(text.ids, text.charged, text.closed, finished)
