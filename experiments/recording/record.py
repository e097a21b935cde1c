"""Record a task with a model: rollouts, cue states and forced exits, shard by shard."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from tqdm.auto import tqdm

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.trace import Trace
from probexit.exits.trackers.base import track
from probexit.experiments.recording.batches import in_batches
from probexit.experiments.recording.cluster.crew import Alone, Crew
from probexit.experiments.recording.engines.base import RolloutEngine
from probexit.experiments.recording.engines.hf import Hf
from probexit.experiments.recording.extra_states import StateReader
from probexit.experiments.recording.first_look import as_lines, measured, refuse_closing
from probexit.experiments.recording.reader_choice import choose_reader
from probexit.experiments.recording.reading import Reading, RolloutReader
from probexit.experiments.recording.rollouts import one_each, rollout_key
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shard_plan import Shard, shards
from probexit.experiments.recording.shards import write_shard
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.experiments.recording.thinking import Sketch, thinking_span
from probexit.experiments.recording.traces import TraceWriter
from probexit.hooks.cues.base import CueSet
from probexit.hooks.models import Reasoner
from probexit.hooks.prefill import prefill_tokens


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
        engine: What writes the rollouts; None: the own token loop.
        each: Rollouts of a problem.
        extra: Reads states that were asked for besides; None reads none.
    """

    reasoner: Reasoner
    task: Task
    cues: CueSet
    layers: tuple[int, ...]
    decoding: Decoding
    answer_samples: int = 0
    engine: RolloutEngine | None = None
    each: int = 1
    extra: StateReader | None = None

    def record(self, run: Run, n: int, shard_size: int, crew: Crew | None = None) -> None:
        """Record the first ``n`` problems into ``run``; shards that are whole are skipped.

        Args:
            run: The run.
            n: How many problems.
            shard_size: Problems written at once.
            crew: The processes that do so together; None: this one alone.

        Raises:
            ValueError: if the task has fewer problems, or others than those recorded; after the
                first shard, if forced answers are not right where the full run is.
        """
        crew = crew or Alone()
        run.folder.mkdir(parents=True, exist_ok=True)
        with crew.holding(run.folder):
            mine = [shard for shard in shards(self.task, n, shard_size) if crew.takes(shard.number)]
            self._record(run, mine)

    def _record(self, run: Run, mine: Sequence[Shard]) -> None:
        todo = [shard for shard in mine if not shard.is_in(run)]
        total, missing = (self.each * sum(len(s.items) for s in some) for some in (mine, todo))
        done, looked = total - missing, False
        with tqdm(total=total, initial=done, unit="trace", desc="record") as bar:
            for shard in todo:
                traces = self.record_shard(run, shard, partial(_show, bar, done))
                done += len(traces)
                track(measured(one_each(traces)), done)
                if not looked:
                    looked = True
                    for line in ("first shard:", *as_lines(one_each(traces))):
                        bar.write(line, file=sys.stderr)
                    refuse_closing(self.reasoner, one_each(traces))

    def record_shard(
        self, run: Run, shard: Shard, show: Callable[[int], None] = lambda _: None
    ) -> list[Trace]:
        """Record one shard; ``show`` as in ``traces``."""
        traces = self.traces(shard.items, shard.first, show)
        write_shard(run.shards, shard.number, traces)
        return traces

    def traces(
        self, items: Sequence[Item], first: int, show: Callable[[int], None] = lambda _: None
    ) -> list[Trace]:
        """Record some problems, the rollouts of one behind each other.

        Args:
            items: The problems.
            first: The number of the first one in the task.
            show: Called with the number of rollouts that are written, whenever it changes.
        """
        draws = [(i, k) for i in range(len(items)) for k in range(self.each)]
        asked = [self.reasoner.prompt(item.question) for item in items]
        prompts = [asked[i] for i, _ in draws]
        keys = [rollout_key(first + i, k) for i, k in draws]
        generations = self.rollouts.write(prompts, keys, show)
        sketches = [
            replace(self._sketch(items[i], asked[i], generation, key), rollout=k)
            for (i, k), generation, key in zip(draws, generations, keys, strict=True)
        ]
        readings = self._read(sketches)
        writer = TraceWriter(self.reasoner, self.task, self.extra)
        return [writer.trace(s, r) for s, r in zip(sketches, readings, strict=True)]

    def _sketch(self, item: Item, prompt: list[int], generation: Generation, key: int) -> Sketch:
        """Find the cues; one so late that no answer fits behind it is left out, as it is live."""
        begins, thinking, positions = thinking_span(
            self.reasoner, self.cues, prompt, generation.token_ids
        )
        room = len(self.reasoner.closing_ids()) + self.reasoner.answer_tokens
        early = [at for at in positions if at + 1 + room <= self.decoding.max_new_tokens]
        return Sketch(item, prompt, generation, early, begins, thinking, key)

    @cached_property
    def rollouts(self) -> RolloutEngine:
        """The engine that writes them."""
        return self.engine or Hf(self.reasoner, self.decoding)

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

    def _read(self, sketches: Sequence[Sketch]) -> list[Reading]:
        """Prefill in batches of similar length."""
        requests = [sketch.request for sketch in sketches]
        tokens = prefill_tokens(self.reasoner.model)
        return in_batches(self.reader.read, requests, lambda request: len(request.ids), tokens)


def _show(bar: "tqdm[Any]", before: int, done: int) -> None:
    """Set a bar to the traces that are done."""
    bar.update(before + done - bar.n)
