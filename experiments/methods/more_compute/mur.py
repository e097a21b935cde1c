"""Write anew the steps that are less sure than those before (MUR, arXiv 2507.14958)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from probexit.exits.engines.stepwise.momentum_scaling import (
    MeanTrigger,
    MomentumScaling,
    MomentumTrigger,
    RandomTrigger,
    Trigger,
)
from probexit.exits.trace import Trace
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.stepwise import Stepwise
from probexit.hooks.cues.reader import cue_positions
from probexit.hooks.cues.sentence import Sentence


@dataclass(frozen=True)
class Mur(LiveRule):
    """Four fresh candidates for a step whose mean probability falls below a share of the momentum.

    It spends more, not less: to be held against "full run again" in right answers. The paper's
    guided search, with three deviations: a step is a sentence of the thinking, where the paper asks
    for "Step n:"; the model's own mean log-probability chooses among the candidates, where a reward
    model does; and the recording's temperature stands in for .6. Beside it stand the controls:
    every step, as many steps drawn at random (at the rate that the momentum has on the fit split),
    and the plain mean in place of the momentum.

    Attributes:
        gamma: The published share for guided search.
        candidates: Fresh candidates of a step.
    """

    title: ClassVar[str] = "MUR"
    family: ClassVar[MethodFamily] = MethodFamily.MORE
    reads: ClassVar[str] = "log-probabilities of the thinking, by step"
    cost: ClassVar[str] = "the candidates that are thrown away"
    source: ClassVar[str] = "2507.14958"
    summary: ClassVar[str] = "writes anew steps less sure than the ones before"
    gamma: float = 0.8
    candidates: int = 4

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        if not bench.decoding.temperature:
            raise Unavailable("greedy candidates are all the same: record at a temperature above 0")
        return {f"published {self.gamma:g}": self._writing(MomentumTrigger(self.gamma))}

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        rate = trigger_rate(context.splits.fit, MomentumTrigger(self.gamma), bench.reasoner)
        return {
            "plain mean": self._writing(MeanTrigger(self.gamma)),
            f"at random, {100 * rate:.0f} %": self._writing(RandomTrigger(round(rate, 4))),
            "every step": self._writing(RandomTrigger(1.0)),
        }

    def _writing(self, trigger: Trigger) -> Recipe:
        return Stepwise(MomentumScaling(trigger, self.candidates))


def trigger_rate(traces: Sequence[Trace], trigger: Trigger, reasoner: Any) -> float:
    """Return the share of the steps at which a trigger fires on recorded thinkings.

    Steps from the second on, as they were written: none is replaced.

    Raises:
        Unavailable: if no thinking has two steps.
    """
    fired: list[bool] = []
    for trace in traces:
        past: tuple[float, ...] = ()
        for step in step_logprobs(trace, reasoner):
            fired += [trigger.fires(past, step, 0)] if past else []
            past += (step,)
    if not fired:
        raise Unavailable("no recorded thinking has two sentences: record more problems")
    return sum(fired) / len(fired)


def step_logprobs(trace: Trace, reasoner: Any) -> list[float]:
    """Return the mean log-probability of each step of a recorded thinking that a cue ends."""
    thought = trace.token_ids[trace.begins : trace.begins + trace.thinking].tolist()
    ends = cue_positions(reasoner.tokenizer, Sentence(), reasoner.tags, thought)
    starts = [0, *(end + 1 for end in ends)]
    own = trace.logprobs[trace.begins :]
    return [float(own[a : b + 1].mean()) for a, b in zip(starts, ends, strict=False)]
