"""What layers, passes and looks cost on this machine, and the speed that follows from a trace.

The cost model of self-speculation and lossy exits at batch 1, to stand beside what was measured: if
the two agree, the speed can be foretold for another depth, head or acceptance.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.schedule import Schedule
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace
from probexit.exits.depth.tuning.plan import Costs, speculative_speed
from probexit.exits.depth.tuning.rollouts import Writing, write
from probexit.experiments.depth.bench import DepthBench
from probexit.hooks.layers import n_layers


@dataclass(frozen=True)
class PassCost:
    """Seconds at batch 1, one token per pass.

    Attributes:
        layer: Cost of one layer.
        rest: Cost of a pass besides its layers.
        depth: Layers of the model.
    """

    layer: float
    rest: float
    depth: int

    def costs(self, look: float = 0.0) -> Costs:
        """Return the same in layers; ``look`` is the seconds of one look at an exit."""
        return Costs(self.rest / self.layer, look / self.layer)

    def speed(self, trace: DepthTrace, look: float, exits: Sequence[int]) -> float:
        """Return how many times faster than plain decoding the passes of a trace should be.

        Args:
            trace: Layers run by each pass.
            look: Seconds of one look.
            exits: Layers at which a pass is looked at.
        """
        passes = [ran for step in trace.steps for ran in step.depths]
        passes += [ran for r in trace.rounds for ran in (*r.drafts, r.verification)]
        tokens = len(trace.steps) + sum(r.accepted + 1 for r in trace.rounds)
        looks = sum(sum(layer < ran for layer in exits) for ran in passes)
        seconds = sum(passes) * self.layer + len(passes) * self.rest + looks * look
        return tokens * (self.depth * self.layer + self.rest) / seconds


def measure(bench: DepthBench, prompts: Sequence[Sequence[int]], tokens: int = 40) -> PassCost:
    """Fit seconds per pass to the depth at which every token leaves, by least squares.

    Args:
        bench: The model.
        prompts: A few, to decode after.
        tokens: Decoded after each.
    """
    model = bench.reasoner.model
    depth = n_layers(model)
    depths = sorted({1, depth // 4 + 1, depth // 2, depth - 1})
    writing = Writing(tokens)
    seconds: dict[int, list[float]] = {ran: [] for ran in depths}
    for prompt in prompts:  # in turn: all depths meet the same load
        for ran in depths:
            rule = ExitRule((ran - 1,), Schedule(0.0, 0.0), PlainHead(), -1.0)
            with DepthController(rule, CatchUp(max_waiting=tokens)).attach(model) as attached:
                began = time.perf_counter()
                write(model, [prompt], Writing(1))  # the prompt's own pass, not counted
                read = time.perf_counter()
                write(model, [prompt], writing)
                spent = time.perf_counter() - read - (read - began)
            seconds[ran].append(spent / max(1, len(attached.trace.steps)))
    slope, rest = np.polyfit(depths, [median(seconds[ran]) for ran in depths], 1)
    return PassCost(float(slope), max(0.0, float(rest)), depth)


def seconds_per_look(rule: ExitRule, found: Examples, repeats: int = 100) -> float:
    """Return what the decider takes to score one token at one exit, in seconds."""
    looks = list(found.looks())
    rows = [torch.tensor([i % len(found)]) for i in range(repeats)]

    def score(row: torch.Tensor) -> None:
        rule.leaves(looks[-1].rows(row))

    def rows_only(row: torch.Tensor) -> None:
        looks[-1].rows(row)

    return max(0.0, _median_time(score, rows) - _median_time(rows_only, rows))


def _median_time(call: Callable[[torch.Tensor], None], rows: Sequence[torch.Tensor]) -> float:
    times = []
    for row in rows:
        begin = time.perf_counter()
        call(row)
        times.append(time.perf_counter() - begin)
    return median(times)


@dataclass(frozen=True)
class Section4:
    """The closed formula of `speculative_speed` with what a trace shows.

    Attributes:
        chance: Share of drafts accepted, of those whose forerunners were.
        drafts: Mean per verification.
        draft_depth: Mean layers per draft.
        head: Cost of a pass besides its layers, in layers.
        speed: Foretold.
    """

    chance: float
    drafts: float
    draft_depth: float
    head: float
    speed: float

    @classmethod
    def of(cls, trace: DepthTrace, cost: PassCost) -> "Section4":
        """Read the formula's quantities off the rounds of a trace."""
        drafted = [len(r.drafts) for r in trace.rounds]
        accepted = sum(r.accepted for r in trace.rounds)
        rejected = sum(r.accepted < len(r.drafts) for r in trace.rounds)
        chance = accepted / max(1, accepted + rejected)
        layers = sum(sum(r.drafts) for r in trace.rounds) / max(1, sum(drafted))
        drafts, head = sum(drafted) / max(1, len(drafted)), cost.rest / cost.layer
        speed = speculative_speed(chance, round(drafts), layers + head, cost.depth + head)
        return cls(chance, drafts, layers, head, speed)
