"""Training batches: prompts and traces as token ids, with labels only where loss is carried."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from probexit.experiments.reasoner.grammar import Problem, problem
from probexit.experiments.reasoner.interrupt import interrupt
from probexit.experiments.reasoner.tokenizer import END_THINK, prompt, tail
from probexit.experiments.reasoner.trace import PATIENT, Stopping, WrittenTrace, trace

FAMILY_MIX: Mapping[str, float] = {"arith": 0.55, "spell": 0.2, "coins": 0.25}
DIFFICULTY_MIX: Mapping[str, float] = {"even": 0.65, "hard": 0.12, "easy": 0.23}
INTERRUPTED = 0.25
IGNORED = -100
"""The label that cross entropy leaves out."""

Example = tuple[list[int], list[int]]
Batch = tuple[torch.Tensor, torch.Tensor]
Lesson = Callable[[random.Random], tuple[Problem, WrittenTrace]]


class Encoder:
    """Turns traces into token ids, piece by piece.

    Every piece begins where the tokenizer splits anyway, so the ids are those of the whole text.
    Pieces recur all the time: remembering them is what makes this fast.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.end_think: int = tokenizer.convert_tokens_to_ids(END_THINK)
        self._known: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        """Encode one piece."""
        if text not in self._known:
            self._known[text] = self.tokenizer.encode(text, add_special_tokens=False)
        return self._known[text]

    def example(self, drawn: Problem, thinking: WrittenTrace) -> Example:
        """Give the ids of a whole conversation, and its labels."""
        question = prompt(self.tokenizer, drawn.question)
        ids = list(self.tokenizer.encode(question, add_special_tokens=False))
        labels = [IGNORED] * len(ids)
        for text, loss in thinking.segments:
            piece = self.ids(text)
            ids += piece
            labels += piece if loss else [IGNORED] * len(piece)
        # An interruption comes from outside: the model is not to learn to want it.
        ids.append(self.end_think)
        labels.append(IGNORED if thinking.forced else self.end_think)
        closing = self.ids(tail(thinking.answer))
        return ids + closing, labels + closing


def draw(rng: random.Random, stopping: Stopping = PATIENT) -> tuple[Problem, WrittenTrace]:
    """Draw a problem and a trace for it, as training sees them."""
    family = rng.choices(tuple(FAMILY_MIX), tuple(FAMILY_MIX.values()))[0]
    difficulty = rng.choices(tuple(DIFFICULTY_MIX), tuple(DIFFICULTY_MIX.values()))[0]
    drawn = problem(rng, family, difficulty)
    thinking, starts = trace(rng, drawn, stopping)
    if starts and rng.random() < INTERRUPTED:
        thinking = interrupt(rng, drawn, thinking, starts)
    return drawn, thinking


def _stack(examples: list[Example], pad: int) -> Batch:
    width = max(len(ids) for ids, _ in examples)
    ids = torch.full((len(examples), width), pad)
    labels = torch.full((len(examples), width), IGNORED)
    for row, (tokens, targets) in enumerate(examples):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, : len(targets)] = torch.tensor(targets)
    return ids, labels


def _group(examples: list[Example], budget: int) -> Iterator[list[Example]]:
    """Put examples of similar length together, as many as the token budget holds."""
    group: list[Example] = []
    for example in sorted(examples, key=lambda pair: len(pair[0])):
        if group and (len(group) + 1) * len(example[0]) > budget:
            yield group
            group = []
        group.append(example)
    yield group


def batches(
    tokenizer: Any, seed: int, budget: int, lesson: Lesson = draw, pool: int = 3000
) -> Iterator[Batch]:
    """Yield batches of at most `budget` padded tokens for ever; the same seed, the same batches.

    ``lesson`` draws a problem and its trace.
    """
    encoder = Encoder(tokenizer)
    rng = random.Random(seed)
    while True:
        groups = list(_group([encoder.example(*lesson(rng)) for _ in range(pool)], budget))
        rng.shuffle(groups)
        for group in groups:
            yield _stack(group, tokenizer.pad_token_id)
