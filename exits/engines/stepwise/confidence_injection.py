"""Confident words where a reflection might begin, and a detector that ends it (ConCISE)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.engines.stepwise.base import StepwiseEngine
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.hooks.continuation import continuation_ids
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.paragraph import Paragraph


@dataclass(frozen=True)
class ConfidenceInjection(StepwiseEngine):
    """ConCISE (arXiv 2505.04881) at inference, on a frozen model: an adaptation.

    The paper's procedure makes training data, with which the model is then tuned. After every step
    of the thinking the detector reads a short probing text on a copy, and how much probability goes
    to confident words behind it: ``c = sum over words of p(word | text, probe)``, each word by its
    first token, with a space before it. From ``threshold`` on the thinking is closed; otherwise a
    phrase, drawn evenly, begins the next step, for whether a reflection would follow is not known.
    The probing text is charged; phrases count as generated.

    Attributes:
        phrases: Begin the next step; none are put in if there are none.
        probe: The probing text.
        words: Confident words.
        threshold: Close from this sum on; ``inf`` = no detector, nothing is read aside.
        cues: Where a step ends.
    """

    phrases: tuple[str, ...]
    probe: str
    words: tuple[str, ...]
    threshold: float = 0.5
    cues: CueSet = Paragraph()  # noqa: RUF009  # frozen

    def __post_init__(self) -> None:
        if not self.words or not self.probe:
            raise ValueError("the detector needs a probing text and at least one confident word")

    @property
    def steps(self) -> CueSet:
        return self.cues

    def fill(self, text: Manuscript) -> None:
        drawn = random.Random(text.key)
        while not text.done:
            step = text.draft()
            text.keep(step)
            if not (step.cued and text.may_leave):
                continue
            if self.threshold < float("inf") and self.confidence(text) >= self.threshold:
                text.leave()
            elif self.phrases:
                phrase = drawn.choice(self.phrases)
                text.insert(continuation_ids(text.reasoner.tokenizer, phrase))

    def confidence(self, text: Manuscript) -> float:
        """Return the probability of the confident words behind the probing text."""
        tokenizer = text.reasoner.tokenizer
        first = [continuation_ids(tokenizer, f" {word}")[0] for word in self.words]
        return confident_mass(text.aside(continuation_ids(tokenizer, self.probe)), first)


def confident_mass(logits: Tensor, tokens: Sequence[int]) -> float:
    """Return the probability of some tokens under ``logits [V]``, each counted once."""
    return float(logits.softmax(-1)[torch.tensor(sorted(set(tokens)))].sum())
