"""Trajectories cut at several depths, several answers drawn at each (Fractured CoT, 2505.12992)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import Loop
from probexit.exits.samples.vote import winner
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.online.samples import with_samples


@dataclass(frozen=True)
class FracturedSampling(Recipe):
    """``n`` trajectories x ``depths`` cuts x ``answers`` sampled at each; all of them vote.

    A thinking of ``L`` tokens is cut behind ``floor(i L / H)`` of them, ``i = 1 .. H - 1``; the
    whole thinking is the last depth, with the answer the model gave and ``answers - 1`` more. The
    trajectories are counted as thinking and answer, the answers at the cuts as probing.

    Attributes:
        n: Trajectories of a problem.
        depths: Depths of a trajectory (H), the whole thinking with them.
        answers: Answers at each depth (m).
    """

    n: int
    depths: int
    answers: int

    def settings(self) -> dict[str, Any]:
        return {"n": self.n, "depths": self.depths, "answers": self.answers}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        drawing = with_samples(setting)
        cells: dict[str, list[Fresh]] = {trace.problem: [] for trace in traces}
        for number in range(self.n):
            generations = InterventionRun().generate(drawing, traces, lambda: None, number)
            whole: list[Fresh] = []
            for trace, generation in zip(traces, generations, strict=True):
                whole.append(setting.grade(trace, generation.token_ids))
                cells[trace.problem].append(whole[-1])
            stubs = [
                (trace, _stub(setting, trace, generation.token_ids, fresh, cut))
                for trace, generation, fresh in zip(traces, generations, whole, strict=True)
                for cut in cuts(fresh.thinking, self.depths)
            ]
            for fresh in self._answers(drawing, stubs, number):
                cells[fresh.problem].append(fresh)
        for _ in traces:
            done()
        return [_voted(setting, trace, cells[trace.problem], self.n) for trace in traces]

    def _answers(
        self, setting: Setting, stubs: "Sequence[tuple[Trace, list[int]]]", trajectory: int
    ) -> list[Fresh]:
        """Draw the answers at all cuts of one trajectory per problem."""
        ours = setting.reasoner
        decoding = replace(setting.fresh, max_new_tokens=ours.answer_tokens)
        seats = [(trace, ids, k) for trace, ids in stubs for k in range(self.answers)]
        # negative, so that no answer draws the numbers of a trajectory
        seeds = [
            keys([trace], -1 - self.answers * (trajectory + self.n * len(ids)) - k)[0]
            for trace, ids, k in seats
        ]
        found = _generate(setting, [ids for _, ids, _ in seats], seeds, decoding)
        closing = len(ours.closing_ids())
        return [
            _graded(setting, trace, ids, closing)
            for (trace, _, _), ids in zip(seats, found, strict=True)
        ]


def cuts(length: int, depths: int) -> list[int]:
    """Return the inner cuts of a thinking of ``length`` tokens, ``floor(i L / H)``, without 0."""
    return sorted({length * i // depths for i in range(1, depths)} - {0, length})


def _stub(
    setting: Setting, trace: Trace, token_ids: Sequence[int], fresh: Fresh, cut: int
) -> list[int]:
    """Return the prompt, the thinking up to a cut, and the closing text."""
    begins = len(token_ids) - fresh.thinking - fresh.answer_tokens
    kept = list(token_ids[: begins + cut])
    return [*trace.prompt_ids.tolist(), *kept, *setting.reasoner.closing_ids()]


def _generate(
    setting: Setting, prompts: list[list[int]], seeds: list[int], decoding: Decoding
) -> list[list[int]]:
    loop = Loop(setting.reasoner.model, setting.reasoner.tokenizer, None, decoding)
    return [list(each.token_ids) for each in loop.run(prompts, seeds)]


def _graded(setting: Setting, trace: Trace, ids: list[int], closing: int) -> Fresh:
    """Grade an answer drawn at a cut; it has no thinking of its own."""
    ours = setting.reasoner
    text = ours.closing + ours.tokenizer.decode(ids, skip_special_tokens=True)
    answer = setting.task.extract(text)
    right = setting.task.same(answer, trace.gold)
    return Fresh(trace.problem, answer, right, 0, len(ids) + closing)


def _voted(setting: Setting, trace: Trace, cells: Sequence[Fresh], n: int) -> Fresh:
    """Let all cells of a problem vote, one vote each; a tie goes to the answer of a full run."""
    full = sorted(cells, key=lambda cell: cell.thinking == 0)
    order = list(range(len(full)))
    chosen = winner([c.answer for c in full], [1.0] * len(full), order, setting.task.same)
    whole, partial = full[:n], full[n:]
    return Fresh(
        problem=trace.problem,
        answer="" if chosen is None else full[chosen].answer,
        correct=chosen is not None and full[chosen].correct,
        thinking=sum(cell.thinking for cell in whole),
        answer_tokens=sum(cell.answer_tokens for cell in whole),
        probing=sum(cell.answer_tokens for cell in partial),
    )
