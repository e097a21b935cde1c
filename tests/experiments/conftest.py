"""Traces made of random numbers, with every edge that recorded ones have.

One direction of the hidden state, read with noise, tells whether the forced answer is right; the
last layer tells it best. Every tenth trace is an edge case: without cues, never right, always
right, cut off by the token limit, or thinking that begins late.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from probexit.exits.signals.base import CueState, Signal
from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.commands.cli import main
from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.results import Comparison
from probexit.experiments.fitting.fit import fit
from probexit.experiments.fitting.splits import Splits, split
from probexit.experiments.methods.core.context import Context
from probexit.experiments.recording.run import Run
from probexit.hooks.models import Reasoner, Source, load

LAYERS, WIDTH, TOP = (2, 5, 8), 8, 4
CLOSING = 3
EDGES = ("no cues", "never right", "always right", "unfinished", "begins late")


def _random(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator)


def _answers(right: Tensor, gold: int, generator: torch.Generator) -> tuple[str, ...]:
    """Wrong answers repeat themselves sometimes, as they do."""
    wrong = torch.randint(1, 4, (len(right),), generator=generator)
    return tuple(str(gold + (0 if ok else int(w))) for ok, w in zip(right, wrong, strict=True))


def _hidden(right: Tensor, generator: torch.Generator) -> Tensor:
    """``[c, L, d]``: the answer's rightness along one direction, clearer in later layers."""
    noise = torch.randn(len(right), len(LAYERS), WIDTH, generator=generator)
    strength = torch.tensor([0.5, 1.0, 2.0])
    noise[..., 0] += (2 * right.float() - 1)[:, None] * strength
    return noise.to(torch.bfloat16)


def _logprobs(right: Tensor, ids: Tensor, generator: torch.Generator) -> Tensor:
    """Right answers are surer than wrong ones, not always."""
    sureness = (
        -torch.randn(ids.shape, generator=generator).abs() * (0.6 - 0.5 * right.float())[:, None]
    )
    return sureness.masked_fill(ids < 0, 0.0)


def _steps(right: Tensor, answers: tuple[str, ...], generator: torch.Generator) -> tuple[str, ...]:
    """Wrong steps hedge more often; every other step states its answer."""
    hedges = _random(len(right), generator) < 0.8 - 0.6 * right.float()
    return tuple(
        f"\n\n{'Maybe' if hedge else 'So'} the answer is {i if i % 2 else answers[i]}. Wait,"
        for i, hedge in enumerate(hedges)
    )


def _sampled(right: Tensor, gold: int) -> Tensor:
    """``[c, 4]``: right answers are mostly right again when they are sampled, wrong ones not."""
    generator = torch.Generator().manual_seed(gold)
    drawn = torch.rand(len(right), 4, generator=generator)
    return drawn < torch.where(right, 0.95, 0.1)[:, None]


def _cues(positions: Tensor, right: Tensor, gold: int, generator: torch.Generator) -> GradedCues:
    c = len(right)
    ids = torch.randint(0, 50, (c, 3), generator=generator)
    ids[_random(c, generator) < 0.5, 2] = -1
    top = -torch.rand(c, TOP, generator=generator).cumsum(-1)
    answers = _answers(right, gold, generator)
    return GradedCues(
        positions=positions,
        hidden=_hidden(right, generator),
        entropy=_random(c, generator),
        top_logprobs=top,
        end_logprob=-6 * _random(c, generator) + 2 * right.float() - 3,
        step_hidden=_hidden(right, generator),
        steps=_steps(right, answers, generator),
        answers=answers,
        answer_ids=ids,
        answer_logprobs=_logprobs(right, ids, generator),
        answer_entropies=torch.rand(ids.shape, generator=generator) * (ids >= 0),
        correct=right,
        sampled_right=_sampled(right, gold),
    )


def _rights(c: int, edge: str, generator: torch.Generator) -> tuple[Tensor, bool]:
    """Wrong at first, right from some cue on, with slips; and whether the full run is right."""
    solvable = edge != "never right" and bool(_random(1, generator) < 0.85)
    turn = 0 if edge == "always right" else int(torch.randint(0, c + 1, (1,), generator=generator))
    right = torch.arange(c) >= turn
    if edge != "always right":
        right = right ^ (_random(c, generator) < 0.05)
    right = right & torch.tensor(solvable)
    return right, solvable and edge != "unfinished"


def _trace(number: int, generator: torch.Generator) -> Trace:
    edge = EDGES[(number // 10) % len(EDGES)] if number % 10 == 9 else ""
    c = 0 if edge == "no cues" else int(torch.randint(1, 13, (1,), generator=generator))
    begins = 2 if edge == "begins late" else 0
    steps = torch.randint(4, 20, (c,), generator=generator)
    positions = begins + steps.cumsum(0) - 1
    thinking = int(steps.sum()) + int(torch.randint(3, 20, (1,), generator=generator))
    right, correct = _rights(c, edge, generator)
    finished = edge != "unfinished"
    length = begins + thinking + (CLOSING + 2 if finished else 0)
    cues = _cues(positions, right, number, generator)
    answer = (str(number) if correct else str(number + 1)) if finished else ""
    start = _cues(torch.tensor([-1]), _random(1, generator) < 0.2, number, generator)
    return Trace(
        problem=f"p{number:05d}",
        rollout=0,
        prompt_ids=torch.arange(3),
        token_ids=torch.randint(0, 50, (length,), generator=generator),
        logprobs=-_random(length, generator),
        entropies=_random(length, generator),
        confidences=1 + _random(length, generator),
        thinking=thinking,
        finished=finished,
        answer=answer,
        correct=correct,
        gold=str(number),
        cues=cues,
        agrees=torch.tensor([a == answer for a in cues.answers], dtype=torch.bool),
        start=start,
        question=f"What is {number}?",
        begins=begins,
    )


def synthesise(n: int, seed: int = 0) -> list[Trace]:
    """Make ``n`` traces of as many problems."""
    generator = torch.Generator().manual_seed(seed)
    return [_trace(i, generator) for i in range(n)]


def relabel(trace: Trace) -> Trace:
    """Turn every grade of a trace around; nothing that a rule may look at changes."""
    flip = replace(trace.cues, correct=~trace.cues.correct)
    return replace(trace, cues=flip, correct=not trace.correct, agrees=~trace.agrees, gold="other")


@pytest.fixture(scope="session")
def make_traces() -> Callable[..., list[Trace]]:
    """``make_traces(n, seed=0)``."""
    return synthesise


@pytest.fixture(scope="session")
def flip_grades() -> Callable[[Trace], Trace]:
    """``flip_grades(trace)``: the same trace, graded the other way round."""
    return relabel


def cut(trace: Trace, cue: int) -> Trace:
    """Replace all that comes after a cue by something else: as many cues, other readings."""
    if not len(trace.cues):
        return trace
    later = torch.arange(len(trace.cues)) > cue
    columns = {}
    for name in (*_READINGS, "answer_logprobs", "answer_entropies"):
        column = getattr(trace.cues, name).clone()
        column[later] = -column[later] - 0.1
        columns[name] = column
    answers = tuple("?" if gone else a for a, gone in zip(trace.cues.answers, later, strict=True))
    steps = tuple("?" if gone else s for s, gone in zip(trace.cues.steps, later, strict=True))
    right = trace.cues.correct & ~later
    cues = replace(trace.cues, **columns, answers=answers, steps=steps, correct=right)
    unseen = torch.arange(len(trace.token_ids)) > trace.cues.positions[cue]
    tokens = {
        name: torch.where(unseen, 2 * getattr(trace, name) + 1, getattr(trace, name))
        for name in ("logprobs", "entropies", "confidences")
    }
    return replace(trace, cues=cues, **tokens)


_READINGS = ("hidden", "step_hidden", "entropy", "top_logprobs", "end_logprob")


def grade(trace: Trace, right: bool) -> Trace:
    """Grade every cue and the full run alike."""
    all_of = torch.full_like(trace.cues.correct, right)
    return replace(trace, cues=replace(trace.cues, correct=all_of), correct=right)


@pytest.fixture(scope="session")
def cut_after() -> Callable[[Trace, int], Trace]:
    """``cut_after(trace, cue)``: other readings at all later cues."""
    return cut


@pytest.fixture(scope="session")
def all_graded() -> Callable[[Trace, bool], Trace]:
    """``all_graded(trace, right)``: every answer right, or every one wrong."""
    return grade


@pytest.fixture(scope="session")
def context() -> Context:
    """900 traces, split in three, with a logistic probe on the last layer."""
    splits = split(synthesise(900), seed=1)
    fitted = fit(splits.fit, LAYERS, layers=(LAYERS[-1],))
    return Context(splits, fitted.signal, fitted.grid, CLOSING)


@pytest.fixture(scope="session")
def compared(context: Context) -> Comparison:
    """All methods on the synthetic traces."""
    return compare(context)


@pytest.fixture(scope="session")
def recorded_layers() -> tuple[int, ...]:
    """The layers of the synthetic traces."""
    return LAYERS


def by_hand(right: str, correct: bool, **changes: Any) -> Trace:
    """Make a trace from ``"-++"`` (wrong, right, right at its cues), 10 tokens a cue."""
    c = len(right)
    good = torch.tensor([mark == "+" for mark in right], dtype=torch.bool)
    made = synthesise(1)[0]
    cues = GradedCues(
        positions=10 * torch.arange(1, c + 1) - 1,
        hidden=torch.zeros(c, len(LAYERS), WIDTH),
        entropy=torch.zeros(c),
        top_logprobs=torch.zeros(c, TOP),
        end_logprob=torch.zeros(c),
        step_hidden=torch.zeros(c, len(LAYERS), WIDTH),
        steps=("",) * c,
        answers=tuple("gold" if ok else f"no {i}" for i, ok in enumerate(good)),
        answer_ids=torch.ones(c, 2, dtype=torch.long),
        answer_logprobs=torch.zeros(c, 2),
        answer_entropies=torch.zeros(c, 2),
        correct=good,
    )
    answer = "gold" if correct else "other"
    fields: dict[str, Any] = {
        "thinking": 10 * c + 5,
        "token_ids": torch.zeros(10 * c + 5 + 7, dtype=torch.long),
        **{name: torch.zeros(10 * c + 5 + 7) for name in ("logprobs", "entropies", "confidences")},
        "answer": answer,
        "correct": correct,
        "gold": "gold",
        "cues": cues,
        "agrees": torch.tensor([a == answer for a in cues.answers], dtype=torch.bool),
    }
    return replace(made, **fields | changes)


@pytest.fixture(scope="session")
def hand_made() -> Callable[..., Trace]:
    """``hand_made("-++", True)``: cues at 10, 20, 30 tokens, graded so, the full run right.

    It thinks for 35 tokens and closes and answers in 7; a forced answer has 2 tokens.
    """
    return by_hand


@dataclass(frozen=True)
class Scores(Signal):
    """Scores by problem, given by hand; 1 token a cue."""

    of: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def scores(self, trace: Trace) -> Tensor:
        return torch.tensor(self.of[trace.problem])

    def live(self, moment: CueState) -> Tensor:
        raise NotImplementedError

    def cost(self, trace: Trace) -> Tensor:
        return torch.ones(len(trace.cues), dtype=torch.long)


@pytest.fixture(scope="session")
def given_scores() -> Callable[[dict[str, tuple[float, ...]]], Signal]:
    """``given_scores({problem: scores})``: a signal that reads these off; 1 token a cue."""
    return Scores


@pytest.fixture(scope="session")
def small(hand_made: Callable[..., Trace]) -> Callable[..., Context]:
    """``small(test, scores)``: a context whose test traces and probe scores are given by hand.

    Traces are named "0", "1", .. in order. The 100 calibration problems are one: ``"-+", True``
    with scores (.2, .8); so thresholds above .2 lose nothing, .2 and below lose every problem.
    """

    def make(test: list[Trace], scores: list[tuple[float, ...]]) -> Context:
        named = [replace(trace, problem=str(i)) for i, trace in enumerate(test)]
        rest = [replace(hand_made("-+", True), problem=f"c{i}") for i in range(200)]
        known = {trace.problem: s for trace, s in zip(named, scores, strict=True)}
        known |= {trace.problem: (0.2, 0.8) for trace in rest}
        splits = Splits(rest[:100], rest[100:], named)
        grid = torch.tensor([0.9, 0.7, 0.5, 0.1])
        return Context(splits, Scores(known), grid, CLOSING)

    return make


@pytest.fixture(scope="session")
def shipped() -> Reasoner:
    """The shipped reasoner, in float32."""
    return load(Source())


@pytest.fixture(scope="session")
def greedy_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """60 problems recorded greedily by the shipped reasoner, by the command line.

    Once for all workers of a distributed session.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "greedy"
    arguments = f"record --task arith --n 60 --out {folder} --temperature 0 --max-new-tokens 512"
    with FileLock(f"{folder}.lock"):
        assert main(arguments.split()) == 0  # adds nothing to a whole recording
    return Run(folder)


@pytest.fixture(scope="module")
def fitted_folder(greedy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, shared by the tests of a module."""
    return copy_fitted(greedy_run, tmp_path_factory.mktemp("fitted") / "run")


def copy_fitted(run: Run, folder: Path) -> Path:
    """Copy a run and fit a probe to the copy."""
    copytree(run.folder, folder)
    assert main(["fit", str(folder), "--layers", "5,6"]) == 0
    return folder
