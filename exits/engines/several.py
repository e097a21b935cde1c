"""Several samples of each problem in one batch; a rule stops some of them while they are written.

All samples of all problems go through one loop, and a sample that is stopped gives its place to one
that waits. Samples of a problem may therefore begin at different steps; so each problem has a
*clock*, its number of tokens per sample, and the rule sees all samples as they stood at that
clock. What it decides, and what is counted, is what writing them exactly in step would give, in any
batch; the few tokens that a sample was ahead when it was stopped are computed but not counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation, PartialGeneration
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.samples.base import Sample, SampleRule, State


@dataclass
class Group:
    """The samples of one problem.

    Attributes:
        samples: ``k`` of them, each as it ended or was stopped.
        latency: Steps until the last one was done, one token per sample and step; the samples
            after a warm-up begin when it ends.
    """

    samples: list[Sample]
    latency: int = 0
    _clock: int = 0
    _ended: dict[int, State] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of all samples, each up to where it ended or was stopped."""
        return sum(sample.tokens for sample in self.samples)

    def begin(self, members: Sequence[int]) -> None:
        """Let some of the samples begin together."""
        self._clock, self._ended = 0, {}
        for i in members:
            self.samples[i].state = State.RUNNING

    def written(self, i: int, columns: PartialGeneration | Generation, ended: State | None) -> None:
        """Take note of what a sample has written, and of its end."""
        sample = self.samples[i]
        sample.ids = columns.ids if isinstance(columns, PartialGeneration) else columns.token_ids
        sample.logprobs, sample.entropies = columns.logprobs, columns.entropies
        sample.confidences = columns.confidences
        if ended is not None:
            self._ended[i] = ended

    def advance(self, rule: SampleRule) -> list[int]:
        """Move the clock as far as all running samples have come; return what the rule stops."""
        stopped: list[int] = []
        while self._may_tick():
            self._clock += 1
            self.latency += 1
            for i, sample in enumerate(self.samples):
                if sample.state is State.RUNNING:
                    self._tick(i, sample)
            for i in rule.stop(self.samples):
                self.samples[i].state = State.STOPPED
                stopped.append(i)
        return stopped

    def _may_tick(self) -> bool:
        running = [i for i, s in enumerate(self.samples) if s.state is State.RUNNING]
        known = (i in self._ended or len(self.samples[i].ids) > self._clock for i in running)
        return bool(running) and all(known)

    def _tick(self, i: int, sample: Sample) -> None:
        sample.tokens = self._clock
        if i in self._ended and len(sample.ids) == self._clock:
            sample.state = self._ended[i]


class Several:
    """Writes several samples of each prompt under a rule.

    Attributes:
        rows_run: Rows of all forward passes of the last run: what it has cost.
        steps: Its forward passes.
    """

    def __init__(self, model: Any, tokenizer: Any, rule: SampleRule, decoding: Decoding) -> None:
        """Prepare a run.

        Raises:
            ValueError: if the decoding is greedy, so that all samples would be the same, or as
                ``Loop``.
        """
        if decoding.temperature == 0 and rule.k > 1:
            raise ValueError(
                f"{rule.k} greedy samples are all the same: give a temperature above 0"
            )
        self.rule = rule
        self.loop = Loop(model, tokenizer, None, decoding)
        self.rows_run = self.steps = 0

    def run(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[Sequence[int]] | None = None,
        on_done: Callable[[int], object] | None = None,
    ) -> list[Group]:
        """Write the samples of every prompt.

        Args:
            prompts: Token ids of each prompt, unpadded.
            keys: A number for each of the ``k`` samples of each prompt, at least 0, that seeds it.
            on_done: Called with a prompt's index as its last sample ends.
        """
        k = self.rule.k
        seeds = [range(k * g, k * (g + 1)) for g in range(len(prompts))] if keys is None else keys
        groups = [Group([Sample() for _ in range(k)]) for _ in prompts]
        self.rows_run = self.steps = 0
        for members in (range(self.rule.warm_up), range(self.rule.warm_up, k)):
            if len(members):
                phase = _Phase(self.rule, groups, members, on_done or (lambda _: None))
                rows = [prompts[g] for g, _ in phase.places]
                self.loop.run(
                    rows,
                    [seeds[g][i] for g, i in phase.places],
                    phase.done,
                    phase.watch,
                    TokenNotes(),
                )
                phase.finish()
                self.steps += self.loop.steps
                self.rows_run += self.loop.rows_run
        if self.rule.reads_text:
            for sample in (sample for group in groups for sample in group.samples):
                sample.text = self.loop.tokenizer.decode(sample.ids[: sample.tokens])
        return groups


class _Phase:
    """Some samples of every problem, written together; numbered as the loop's rows.

    Attributes:
        places: Which problem's which sample each row is.
    """

    def __init__(
        self,
        rule: SampleRule,
        groups: list[Group],
        members: range,
        on_done: Callable[[int], object],
    ) -> None:
        self.rule, self.groups, self.on_done = rule, groups, on_done
        self.places = [(g, i) for g in range(len(groups)) for i in members]
        self._row = {place: row for row, place in enumerate(self.places)}
        self._open = set(range(len(groups)))
        for group in groups:
            group.begin(members)

    def done(self, row: int, generation: Generation) -> None:
        """Note the end of a sample that the rule has not stopped."""
        if not generation.stopped:
            g, i = self.places[row]
            end = State.FINISHED if generation.finished else State.CUT
            self.groups[g].written(i, generation, end)

    def watch(self, running: Mapping[int, PartialGeneration]) -> list[int]:
        """Move every clock as far as it goes; return the rows to stop."""
        for row, columns in running.items():
            g, i = self.places[row]
            self.groups[g].written(i, columns, None)
        stopped = [self._row[g, i] for g in sorted(self._open) for i in self._advance(g)]
        return [row for row in stopped if row in running]

    def finish(self) -> None:
        """Move the clocks that stood still while the last rows ended."""
        for g in sorted(self._open):
            self._advance(g)

    def _advance(self, g: int) -> list[int]:
        stopped = self.groups[g].advance(self.rule)
        states = {sample.state for sample in self.groups[g].samples}
        if State.RUNNING not in states:
            self._open.remove(g)
            if State.WAITING not in states:
                self.on_done(g)
        return stopped
