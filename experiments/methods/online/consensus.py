"""Several samples of each problem that draft each other, and a vote: the recipe of consensus."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from probexit.exits.engines.consensus import ConsensusDrafts
from probexit.exits.samples.vote import winner
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.online.samples import sampled


@dataclass(frozen=True)
class ConsensusSamples(Recipe):
    """Write samples of each problem together and take the answer that most give.

    Samples are those that `Samples` draws, for the same random numbers. All their tokens are
    counted, and drafts that were read and rejected as probing. What drafts save is passes of the
    model, which this account of tokens does not show.

    Attributes:
        engine: How samples draft.
        k: Samples.
    """

    engine: ConsensusDrafts
    k: int

    def settings(self) -> dict[str, Any]:
        return asdict(self.engine) | {"k": self.k}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        decoding, reasoner = sampled(setting.fresh), setting.reasoner
        per_sample = [keys(traces, sample) for sample in range(self.k)]
        found = []
        for trace, seeds in zip(traces, zip(*per_sample, strict=True), strict=True):
            prompt = trace.prompt_ids.tolist()
            samples = self.engine.write(reasoner.model, prompt, set(reasoner.eos), decoding, seeds)
            graded = [setting.grade(trace, sample.ids) for sample in samples]
            chosen = winner(
                [fresh.answer for fresh in graded],
                [1.0] * self.k,
                [fresh.thinking for fresh in graded],
                setting.task.same,
            )
            found.append(
                Fresh(
                    problem=trace.problem,
                    answer="" if chosen is None else graded[chosen].answer,
                    correct=chosen is not None and graded[chosen].correct,
                    thinking=sum(fresh.thinking for fresh in graded),
                    answer_tokens=sum(fresh.answer_tokens for fresh in graded),
                    probing=sum(sample.drafted - sample.kept for sample in samples),
                )
            )
            done()
        return found
