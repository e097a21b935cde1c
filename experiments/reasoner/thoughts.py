"""Let the reasoner think about many problems, and find the cues in what it thought."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from probexit.experiments.reasoner.decoding import decode
from probexit.experiments.reasoner.grammar import Problem, problem
from probexit.experiments.reasoner.tokenizer import END, END_THINK, prompt
from probexit.experiments.reasoner.trace import CUES

CAP = 640
"""Tokens a run may take unless another limit is named."""


@dataclass(frozen=True)
class ThoughtSetting:
    """What to think about, and how to decode."""

    family: str = "arith"
    difficulty: str = "default"
    temperature: float = 1.0

    @property
    def name(self) -> str:
        """A name for tables."""
        decoding = f"T={self.temperature:g}" if self.temperature else "greedy"
        return f"{self.family} {self.difficulty} {decoding}"


@dataclass(frozen=True)
class ThoughtRun:
    """One run.

    Attributes:
        problem: what it was about.
        prompt: the ids before the thinking.
        thinking: the ids of the thinking, without the tag that ends it.
        cues: where in `thinking` a cue is complete: at the comma behind its word.
        words: the cue words.
        ended: whether the model ended its thinking within the cap.
        answer: what it answered then.
    """

    problem: Problem
    prompt: list[int]
    thinking: list[int]
    cues: tuple[int, ...]
    words: tuple[str, ...]
    ended: bool
    answer: str

    @property
    def right(self) -> bool:
        """Whether the full run is right; an unfinished one is not."""
        return self.answer == self.problem.gold


class Checkpoint:
    """The checkpoint with its tokenizer."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.end_think: int = self.tokenizer.convert_tokens_to_ids(END_THINK)
        self.end: int = self.tokenizer.convert_tokens_to_ids(END)
        self._break, self._comma = self._id("\n\n"), self._id(",")
        self._words = {self._id(word): word for word in CUES}

    def _id(self, text: str) -> int:
        (token,) = self.tokenizer.encode(text, add_special_tokens=False)
        return int(token)

    def find_cues(self, ids: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield every cue: a cue word that opens a paragraph and is followed by a comma."""
        for index in range(2, len(ids)):
            opened = ids[index - 2] == self._break and ids[index] == self._comma
            if opened and ids[index - 1] in self._words:
                yield index, self._words[ids[index - 1]]

    def read(self, drawn: Problem, before: list[int], ids: list[int]) -> ThoughtRun:
        """Take a generated sequence apart."""
        if self.end in ids:
            ids = ids[: ids.index(self.end)]
        ended = self.end_think in ids
        thinking = ids[: ids.index(self.end_think)] if ended else ids
        closing = self.tokenizer.decode(ids[len(thinking) + 1 :])
        cues = tuple(self.find_cues(thinking))
        return ThoughtRun(
            problem=drawn,
            prompt=before,
            thinking=thinking,
            cues=tuple(index for index, _ in cues),
            words=tuple(word for _, word in cues),
            ended=ended,
            answer=closing.strip().removeprefix("The answer is ").removesuffix("."),
        )

    def think(self, problems: list[Problem], temperature: float, cap: int) -> list[ThoughtRun]:
        """Think about one batch."""
        questions = [prompt(self.tokenizer, p.question) for p in problems]
        before = [self.tokenizer.encode(text, add_special_tokens=False) for text in questions]
        after = decode(self.model, before, temperature, cap, self.end)
        return [self.read(*parts) for parts in zip(problems, before, after, strict=True)]


def think_all(
    reasoner: Checkpoint, setting: ThoughtSetting, number: int, seed: int, batch: int = 128
) -> list[ThoughtRun]:
    """Think about `number` fresh problems."""
    rng = random.Random(f"{seed} {setting.name}")
    torch.manual_seed(seed)
    problems = [problem(rng, setting.family, setting.difficulty) for _ in range(number)]
    problems.sort(key=lambda p: len(p.operations))
    thoughts: list[ThoughtRun] = []
    for first in tqdm(range(0, number, batch), desc=setting.name, unit="batch"):
        thoughts += reasoner.think(problems[first : first + batch], setting.temperature, CAP)
    rng.shuffle(thoughts)
    return thoughts
