"""Traces made of random numbers, with every edge that recorded ones have.

One direction of the hidden state, read with noise, tells whether the forced answer is right; the
last layer tells it best. Every tenth trace is an edge case: without cues, never right, always
right, cut off by the token limit, or thinking that begins late.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from probexit.exits.trace import Cues, Trace
from probexit.experiments.fitting import fit
from probexit.experiments.methods.context import Context
from probexit.experiments.splits import split

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


def _cues(positions: Tensor, right: Tensor, gold: int, generator: torch.Generator) -> Cues:
    c = len(right)
    ids = torch.randint(0, 50, (c, 3), generator=generator)
    ids[_random(c, generator) < 0.5, 2] = -1
    top = -torch.rand(c, TOP, generator=generator).cumsum(-1)
    return Cues(
        positions=positions,
        hidden=_hidden(right, generator),
        entropy=_random(c, generator),
        top_logprobs=top,
        end_logprob=-6 * _random(c, generator) + 2 * right.float() - 3,
        answers=_answers(right, gold, generator),
        answer_ids=ids,
        answer_logprobs=_logprobs(right, ids, generator),
        correct=right,
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


@pytest.fixture(scope="session")
def context() -> Context:
    """900 traces, split in three, with a logistic probe on the last layer."""
    splits = split(synthesise(900), seed=1)
    fitted = fit(splits.fit, LAYERS, layers=(LAYERS[-1],))
    return Context(splits, fitted.signal, fitted.grid, CLOSING)


@pytest.fixture(scope="session")
def recorded_layers() -> tuple[int, ...]:
    """The layers of the synthetic traces."""
    return LAYERS
