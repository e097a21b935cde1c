"""Several ways of decoding on the same problems in turn, so that all of them meet the same load."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from tqdm.auto import tqdm

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.full import Full
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace
from probexit.exits.depth.tuning.rollouts import Writing, write
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.recording.tasks.base import Item

PLAIN, OWN = "full model", "full model, own loop"


@dataclass
class Ran:
    """What one way of decoding did, problem by problem at batch 1.

    Attributes:
        texts: New tokens of each problem.
        seconds: Per token of each problem, reading the prompt included.
        trace: What happened, of all problems.
    """

    texts: list[list[int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    trace: DepthTrace = field(default_factory=DepthTrace)


@dataclass(frozen=True)
class Speed:
    """How many times faster one way is than another.

    Attributes:
        ratio: Median over problems of the slower one's seconds per token over the faster one's.
        low: Lower end of a 95 % interval, by bootstrap over problems.
        high: Upper end.
    """

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f} [{self.low:.2f}, {self.high:.2f}]"


def speed(ran: Ran, baseline: Ran, draws: int = 2000) -> Speed:
    """Compare two ways on the same problems."""
    ratios = np.asarray(baseline.seconds) / np.asarray(ran.seconds)
    some = np.random.default_rng(0).integers(len(ratios), size=(draws, len(ratios)))
    low, high = np.quantile(np.median(ratios[some], axis=1), [0.025, 0.975])
    return Speed(median(ratios.tolist()), float(low), float(high))


def baseline_of(mode: Mode) -> str:
    """Name the plain decoding that a mode is compared with: that of the loop it runs in."""
    return PLAIN if mode.batched else OWN


def race(
    bench: DepthBench, controllers: dict[str, DepthController], items: Sequence[Item]
) -> dict[str, Ran]:
    """Write every problem's text once in every way, and plainly in either loop, in turn.

    ``model.generate`` has a loop of its own, and modes for one prompt bring another: each mode is
    to be compared with plain decoding in its own. Who begins changes from problem to problem. A
    first problem that is not counted warms everything up.
    """
    never = ExitRule((0,), Gap(), PlainHead())
    own = DepthController(never, Full())
    ways: dict[str, DepthController | None] = {PLAIN: None, OWN: own, **controllers}
    names = list(ways)
    done = {name: Ran() for name in names}
    prompts = bench.prompts(items)
    for name in names:
        _write(bench, ways[name], prompts[0], Ran())
    for i, prompt in enumerate(tqdm(prompts, desc="race", unit="problem")):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            _write(bench, ways[name], prompt, done[name])
    return done


def _write(
    bench: DepthBench, controller: DepthController | None, prompt: Sequence[int], ran: Ran
) -> None:
    model, writing = bench.reasoner.model, Writing(bench.max_new_tokens)
    with controller.attach(model) if controller else nullcontext() as attached:
        begin = time.perf_counter()
        (text,) = write(model, [prompt], writing)
        ran.seconds.append((time.perf_counter() - begin) / len(text))
    ran.texts.append(text)
    if attached is not None:
        ran.trace.steps += attached.trace.steps
        ran.trace.rounds += attached.trace.rounds
