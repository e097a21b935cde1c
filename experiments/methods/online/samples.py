"""Several samples of each problem under a rule, and a vote: the recipe of parallel thinking."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from probexit.exits.artefacts.parts import describe
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.several import Group, Several
from probexit.exits.samples.base import SampleRule, State
from probexit.exits.samples.vote import winner
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.probes.artefacts.tensors import content_hash

IF_GREEDY = 0.6  # the papers' temperature


@dataclass(frozen=True)
class Samples(Recipe):
    """Write ``rule.k`` samples in step, let the rule stop some, and vote.

    All tokens of all samples are counted, each up to where it ended or was stopped. Sample number
    ``i`` of a problem draws the same random numbers under every rule, so rules are compared on the
    same samples; number 0 is that of the other live rules. Where the recording was greedy, the
    temperature is .6: greedy samples would all be the same.
    """

    rule: SampleRule

    def settings(self) -> dict[str, Any]:
        return {"rule": _digest(self.rule), "if greedy": IF_GREEDY}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        engine = Several(
            setting.reasoner.model, setting.reasoner.tokenizer, self.rule, sampled(setting.fresh)
        )
        prompts = [trace.prompt_ids.tolist() for trace in traces]
        per_sample = [keys(traces, sample) for sample in range(self.rule.k)]
        seeds = list(zip(*per_sample, strict=True))
        groups = engine.run(prompts, seeds, lambda _: done())
        return [self._fresh(setting, *pair) for pair in zip(traces, groups, strict=True)]

    def _fresh(self, setting: Setting, trace: Trace, group: Group) -> Fresh:
        """Grade the samples of a problem and let them vote."""
        samples = group.samples
        graded = [setting.grade(trace, sample.ids[: sample.tokens]) for sample in samples]
        chosen = winner(
            [fresh.answer for fresh in graded],
            self.rule.weights(samples),
            [fresh.thinking for fresh in graded],
            setting.task.same,
        )
        return Fresh(
            problem=trace.problem,
            answer="" if chosen is None else graded[chosen].answer,
            correct=chosen is not None and graded[chosen].correct,
            thinking=sum(fresh.thinking for fresh in graded),
            answer_tokens=sum(fresh.answer_tokens for fresh in graded),
            exited=any(sample.state is State.STOPPED for sample in samples),
        )


def sampled(decoding: Decoding) -> Decoding:
    """Return decoding settings under which several samples differ."""
    return decoding if decoding.temperature else replace(decoding, temperature=IF_GREEDY)


def with_samples(setting: Setting) -> Setting:
    """Return the setting with a temperature above 0."""
    return replace(setting, decoding=sampled(setting.decoding))


def _digest(rule: SampleRule) -> str:
    """Name a rule by its fields and the weights of its probe."""
    tensors: dict[str, Tensor] = {}
    told = json.dumps(describe(rule, tensors), sort_keys=True)
    return f"{told} {content_hash(tensors)[:16]}"
