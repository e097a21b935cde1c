"""Grade what was written and forced for a problem, and lay it out as a trace."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch

from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.extra_states import ExtraStates, StateReader
from probexit.experiments.recording.reading import Reading
from probexit.experiments.recording.tasks.base import Task
from probexit.experiments.recording.thinking import Sketch
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class TraceWriter:
    """Turns readings into traces.

    Attributes:
        reasoner: The model that wrote them.
        task: Finds the answers and grades them.
        extra: Reads states that were asked for besides; None reads none.
    """

    reasoner: Reasoner
    task: Task
    extra: StateReader | None = None

    def trace(self, sketch: Sketch, reading: Reading) -> Trace:
        """Grade a rollout and its forced exits."""
        item, generation = sketch.item, sketch.generation
        tokens = generation.token_ids
        text = answer_text(self.reasoner, tokens, sketch.begins, sketch.thinking)
        answer = self.task.extract(text)
        same = cache(self.task.same)
        forced = [self._answer(branch.ids) for branch in reading.answers]
        sampled = [
            [same(self._answer(branch.ids), item.gold) for branch in sample]
            for sample in reading.sampled
        ]
        graded = _Graded(
            forced,
            torch.tensor([same(a, item.gold) for a in forced]),
            torch.tensor(sampled).T if sampled else None,
        )
        extra = self._extra(sketch)
        cues = self._columns(sketch, reading, graded, extra.heads)
        return Trace(
            problem=item.id,
            rollout=sketch.rollout,
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
            thinking_hidden=extra.thinking,
        )

    def _extra(self, sketch: Sketch) -> ExtraStates:
        """Read what was asked for besides."""
        if self.extra is None:
            return ExtraStates()
        return self.extra.read(sketch.request, len(sketch.prompt) + sketch.begins)

    def _columns(
        self,
        sketch: Sketch,
        reading: Reading,
        graded: "_Graded",
        heads: torch.Tensor | None,
    ) -> tuple[GradedCues, GradedCues]:
        """Lay a reading out in the trace's columns: the start, and the cues."""
        pad = torch.nn.utils.rnn.pad_sequence
        ids = pad([torch.tensor(b.ids) for b in reading.answers], True, -1)
        logprobs = pad([torch.tensor(b.logprobs) for b in reading.answers], True, 0.0)
        entropies = pad([torch.tensor(b.entropies) for b in reading.answers], True, 0.0)
        positions = [-1, *sketch.positions]
        steps = ["", *self._steps(sketch)]

        def cut(rows: slice) -> GradedCues:
            return GradedCues(
                positions=torch.tensor(positions[rows], dtype=torch.long),
                hidden=reading.hidden[rows],
                entropy=reading.entropy[rows],
                top_logprobs=reading.top_logprobs[rows],
                end_logprob=reading.end_logprob[rows],
                step_hidden=reading.step_hidden[rows],
                steps=tuple(steps[rows]),
                answers=tuple(graded.answers[rows]),
                answer_ids=ids[rows],
                answer_logprobs=logprobs[rows],
                answer_entropies=entropies[rows],
                correct=graded.right[rows].bool(),
                sampled_right=None if graded.sampled is None else graded.sampled[rows],
                heads=None if heads is None else heads[rows],
            )

        return cut(slice(0, 1)), cut(slice(1, None))

    def _steps(self, sketch: Sketch) -> list[str]:
        """Decode what was thought between the cues."""
        edges = [sketch.begins, *(at + 1 for at in sketch.positions)]
        ids = sketch.generation.token_ids
        return [self.reasoner.tokenizer.decode(ids[a:b]) for a, b in pairwise(edges)]

    def _answer(self, ids: list[int]) -> str:
        text = self.reasoner.tokenizer.decode(ids, skip_special_tokens=True)
        return self.task.extract(self.reasoner.closing + text)


@dataclass(frozen=True)
class _Graded:
    """The forced answers of a rollout: ``n`` texts, their grades ``[n]``, of samples ``[n, K]``."""

    answers: list[str]
    right: torch.Tensor
    sampled: torch.Tensor | None
