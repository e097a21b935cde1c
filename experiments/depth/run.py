"""Run layer exits live over problems: depth, agreement, answers and wall-clock time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.full import Full
from probexit.exits.depth.rollouts import Writing, continuations
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace
from probexit.experiments.depth.bench import Bench
from probexit.experiments.tasks.base import Item


@dataclass(frozen=True)
class Outcome:
    """What a controller did on a set of problems, one prompt at a time.

    Attributes:
        depth: Mean layers run per token.
        same_text: Share of texts that are the full model's, token for token.
        same_answer: Share of answers that are.
        accuracy: Share of answers that are right.
        full_accuracy: The full model's.
        speed: Median over problems of the full model's seconds per token over the controller's,
            both in the same loop, at batch 1.
        tokens: Mean length of a text.
    """

    depth: float
    same_text: float
    same_answer: float
    accuracy: float
    full_accuracy: float
    speed: float
    tokens: float


@dataclass(frozen=True)
class Written:
    """What two controllers wrote on the same problems.

    Attributes:
        early: Texts of the one that is judged.
        full: Texts of the full model.
        trace: What the first one did.
        speed: Median over problems of the full model's seconds per token over the other's.
    """

    early: list[list[int]]
    full: list[list[int]]
    trace: DepthTrace
    speed: float


def write(bench: Bench, controller: DepthController, items: Sequence[Item]) -> Written:
    """Write one text at a time, problem by problem with either, so that both meet the same load."""
    layers = controller.rule.layers
    plain = DepthController(ExitRule(layers, Gap(), PlainHead()), Full())
    early, full, ratios = [], [], []
    trace = DepthTrace()
    for prompt in bench.prompts(items):
        reference, slow, _ = _timed(bench, plain, prompt)
        text, fast, did = _timed(bench, controller, prompt)
        full.append(reference)
        early.append(text)
        ratios.append(slow / fast)
        trace.steps += did.steps
        trace.rounds += did.rounds
    return Written(early, full, trace, median(ratios))


def judge(bench: Bench, items: Sequence[Item], made: Written) -> Outcome:
    """Compare a controller's texts with the full model's."""
    pairs = list(zip(made.early, made.full, strict=True))
    return Outcome(
        depth=made.trace.mean_depth(),
        same_text=_share([a == b for a, b in pairs]),
        same_answer=_share([bench.answer(a) == bench.answer(b) for a, b in pairs]),
        accuracy=_share([bench.right(i, t) for i, t in zip(items, made.early, strict=True)]),
        full_accuracy=_share([bench.right(i, t) for i, t in zip(items, made.full, strict=True)]),
        speed=made.speed,
        tokens=sum(len(text) for text in made.early) / len(made.early),
    )


def _timed(
    bench: Bench, controller: DepthController, prompt: list[int]
) -> tuple[list[int], float, DepthTrace]:
    """Write one text; return it, the seconds per token, and what happened."""
    begin = time.perf_counter()
    writing = Writing(bench.max_new_tokens)
    (text,), trace = continuations(bench.reasoner.model, controller, [prompt], writing)
    return text, (time.perf_counter() - begin) / len(text), trace


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)
