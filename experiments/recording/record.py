"""Record a task with a model: rollouts, cue states and forced exits, shard by shard."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import islice, pairwise
from typing import Any

import torch
from tqdm.auto import tqdm

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.locked import locked
from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.first_look import as_lines, refuse_closing
from probexit.experiments.recording.memory import BatchSize, in_halves
from probexit.experiments.recording.reader_choice import choose_reader
from probexit.experiments.recording.reading import Reading, ReadRequest, RolloutReader
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shards import write_shard
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.reader import CueReader
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import opens_thinking

BATCH_TOKENS = 16_384  # prefilled together


@dataclass(frozen=True)
class Recorder:
    """Everything a recording needs.

    Attributes:
        reasoner: The model with its tokenizer, tags and closing text.
        task: Where the problems come from and who grades.
        cues: Where to look.
        layers: Which layers to keep.
        decoding: How to generate.
        answer_samples: How many answers to sample at each cue besides the greedy one.
    """

    reasoner: Reasoner
    task: Task
    cues: CueSet
    layers: tuple[int, ...]
    decoding: Decoding
    answer_samples: int = 0

    def record(self, run: Run, n: int, shard_size: int) -> None:
        """Record the first ``n`` problems into ``run``; shards that are whole are skipped.

        Raises:
            ValueError: if the task has fewer problems, or others than those recorded; after the
                first shard, if forced answers are not right where the full run is.
        """
        with locked(run.folder, "wait for it, or choose another --out"):
            self._record(run, n, shard_size)

    def _record(self, run: Run, n: int, shard_size: int) -> None:
        looked = False
        done = sum(len(run.recorded(i)) for i in range(-(-n // shard_size)))
        with tqdm(total=n, initial=min(done, n), unit="problem", desc="record") as bar:
            for number, first, items in _chunks(self.task.items(), n, shard_size):
                if _whole(run, number, items):
                    continue
                bar.n = first
                traces = self.traces(items, first, bar)
                write_shard(run.shards, number, traces)
                if not looked:
                    looked = True
                    for line in ("first shard:", *as_lines(traces)):
                        bar.write(line, file=sys.stderr)
                    refuse_closing(self.reasoner, traces)

    def traces(self, items: Sequence[Item], first: int, bar: "tqdm[Any]") -> list[Trace]:
        """Record some problems; ``first`` is the number of the first one in the task."""
        prompts = [self.reasoner.prompt(item.question) for item in items]
        keys = [first + i for i in range(len(items))]

        def generate(rows: int) -> list[Generation]:
            bar.n = first
            decoding = replace(self.decoding, batch_size=rows)
            loop = Loop(self.reasoner.model, self.reasoner.tokenizer, None, decoding)
            return loop.run(prompts, keys, lambda _index, _generation: bar.update(1))

        generations = self.batch_size.run(generate)
        sketches = [
            self._sketch(item, prompt, generation, key)
            for item, prompt, generation, key in zip(items, prompts, generations, keys, strict=True)
        ]
        readings = self._read(sketches)
        return [self._trace(s, r) for s, r in zip(sketches, readings, strict=True)]

    def _sketch(self, item: Item, prompt: list[int], generation: Generation, key: int) -> "_Sketch":
        """Find the cues; one so late that no answer fits behind it is left out, as it is live."""
        begins, thinking, positions = thinking_span(
            self.reasoner, self.cues, prompt, generation.token_ids
        )
        room = len(self.reasoner.closing_ids()) + self.reasoner.answer_tokens
        early = [at for at in positions if at + 1 + room <= self.decoding.max_new_tokens]
        return _Sketch(item, prompt, generation, early, begins, thinking, key)

    @cached_property
    def batch_size(self) -> BatchSize:
        """Rows that are generated together."""
        return BatchSize(self.decoding.batch_size)

    @cached_property
    def reader(self) -> RolloutReader:
        """The fastest way to read forced exits that is right on this model."""
        reader = RolloutReader(
            self.reasoner.model,
            self.layers,
            tuple(self.reasoner.closing_ids()),
            frozenset(self.reasoner.eos),
            self.reasoner.answer_tokens,
            self.answer_samples,
            self.decoding,
        )
        return choose_reader(reader, (self.reasoner.prompt("What is 1 + 1?") * 8)[:24])

    def _read(self, sketches: Sequence["_Sketch"]) -> list[Reading]:
        """Prefill in batches of similar length."""
        rollouts = [sketch.rollout for sketch in sketches]
        order = sorted(range(len(rollouts)), key=lambda i: len(rollouts[i].ids))
        readings: dict[int, Reading] = {}
        batches: list[list[int]] = [[]]
        for i in order:
            if batches[-1] and (len(batches[-1]) + 1) * len(rollouts[i].ids) > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(i)
        for batch in filter(None, batches):
            found = in_halves(self.reader.read, [rollouts[i] for i in batch])
            readings |= zip(batch, found, strict=True)
        return [readings[i] for i in range(len(rollouts))]

    def _trace(self, sketch: "_Sketch", reading: Reading) -> Trace:
        item, generation = sketch.item, sketch.generation
        tokens = generation.token_ids
        text = answer_text(self.reasoner, tokens, sketch.begins, sketch.thinking)
        answer = self.task.extract(text)
        same = cache(self.task.same)
        forced = [self._answer(branch.ids) for branch in reading.answers]
        right = torch.tensor([same(a, item.gold) for a in forced])
        sampled = [
            [same(self._answer(branch.ids), item.gold) for branch in sample]
            for sample in reading.sampled
        ]
        cues = self._columns(sketch, reading, forced, right, sampled)
        return Trace(
            problem=item.id,
            rollout=0,
            prompt_ids=torch.tensor(sketch.prompt),
            token_ids=torch.tensor(tokens),
            logprobs=torch.tensor(generation.logprobs),
            entropies=torch.tensor(generation.entropies),
            confidences=torch.tensor(generation.confidences),
            thinking=sketch.thinking,
            finished=generation.finished,
            answer=answer,
            correct=same(answer, item.gold),
            gold=item.gold,
            cues=cues[1],
            start=cues[0],
            agrees=torch.tensor([same(a, answer) for a in forced[1:]], dtype=torch.bool),
            question=item.question,
            begins=sketch.begins,
        )

    def _columns(
        self,
        sketch: "_Sketch",
        reading: Reading,
        answers: list[str],
        right: torch.Tensor,
        sampled: list[list[bool]],
    ) -> tuple[GradedCues, GradedCues]:
        """Lay a reading out in the trace's columns: the start, and the cues."""
        pad = torch.nn.utils.rnn.pad_sequence
        ids = pad([torch.tensor(b.ids) for b in reading.answers], True, -1)
        logprobs = pad([torch.tensor(b.logprobs) for b in reading.answers], True, 0.0)
        entropies = pad([torch.tensor(b.entropies) for b in reading.answers], True, 0.0)
        positions = [-1, *sketch.positions]
        steps = ["", *self._steps(sketch)]
        grades = torch.tensor(sampled).T if sampled else None

        def cut(rows: slice) -> GradedCues:
            return GradedCues(
                positions=torch.tensor(positions[rows], dtype=torch.long),
                hidden=reading.hidden[rows],
                entropy=reading.entropy[rows],
                top_logprobs=reading.top_logprobs[rows],
                end_logprob=reading.end_logprob[rows],
                step_hidden=reading.step_hidden[rows],
                steps=tuple(steps[rows]),
                answers=tuple(answers[rows]),
                answer_ids=ids[rows],
                answer_logprobs=logprobs[rows],
                answer_entropies=entropies[rows],
                correct=right[rows].bool(),
                sampled_right=None if grades is None else grades[rows],
            )

        return cut(slice(0, 1)), cut(slice(1, None))

    def _steps(self, sketch: "_Sketch") -> list[str]:
        """Decode what was thought between the cues."""
        edges = [sketch.begins, *(at + 1 for at in sketch.positions)]
        ids = sketch.generation.token_ids
        return [self.reasoner.tokenizer.decode(ids[a:b]) for a, b in pairwise(edges)]

    def _answer(self, ids: list[int]) -> str:
        text = self.reasoner.tokenizer.decode(ids, skip_special_tokens=True)
        return self.task.extract(self.reasoner.closing + text)


def thinking_span(
    reasoner: Reasoner, cues: CueSet, prompt: Sequence[int], token_ids: Sequence[int]
) -> tuple[int, int, list[int]]:
    """Find the thinking in generated tokens, and its cues.

    Returns:
        The index of its first token (0 if the prompt opened it, the number of tokens if it never
        began), its length in tokens, and the indices of the tokens that complete a cue.
    """
    inside = opens_thinking(reasoner.tokenizer, reasoner.tags, prompt)
    reader = CueReader(reasoner.tokenizer, cues, reasoner.tags, inside)
    begins = 0 if inside else len(token_ids)
    positions = []
    for i, token in enumerate(token_ids):
        was_inside = reader.inside
        if reader.feed(token):
            positions.append(i)
        if reader.inside and not was_inside:
            begins = i + 1
    # A tag of several tokens is thinking until it is complete, and may hold a cue till then.
    return begins, reader.thinking, [at for at in positions if at < begins + reader.thinking]


@dataclass(frozen=True)
class _Sketch:
    """A rollout whose cues are found but not yet read."""

    item: Item
    prompt: list[int]
    generation: Generation
    positions: list[int]
    begins: int
    thinking: int
    key: int

    @property
    def rollout(self) -> ReadRequest:
        """The sequence up to the end of the thinking; the first read is before any thinking."""
        stop = self.begins + self.thinking
        start = len(self.prompt) + min(self.begins, len(self.generation.token_ids)) - 1
        at = [start, *(len(self.prompt) + p for p in self.positions)]
        return ReadRequest(self.prompt + self.generation.token_ids[:stop], at, self.key)


def _whole(run: Run, number: int, items: Sequence[Item]) -> bool:
    """Tell whether a shard holds these problems already."""
    recorded = run.recorded(number)
    if any(old != item for old, item in zip(recorded, items, strict=False)):
        raise ValueError(
            f"{run.folder} holds other problems than the task now gives (has its file changed?): "
            "choose another --out"
        )
    return len(recorded) >= len(items)


def _chunks(items: Iterator[Item], n: int, size: int) -> Iterator[tuple[int, int, list[Item]]]:
    """Cut the first ``n`` items into numbered shards."""
    for number, first in enumerate(range(0, n, size)):
        wanted = min(size, n - first)
        chunk = list(islice(items, wanted))
        if len(chunk) < wanted:
            raise ValueError(
                f"the task has only {first + len(chunk)} problems: use --n {first + len(chunk)}"
            )
        yield number, first, chunk
