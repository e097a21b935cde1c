"""Samples drawn one by one until one is good enough: the recipe of adaptive best-of-n."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from probexit.exits.artefacts.parts import describe
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.samples.pruning import features
from probexit.exits.samples.restart_probe import RestartProbe
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.online.samples import with_samples
from probexit.probes.artefacts.tensors import content_hash


@dataclass(frozen=True)
class SampleUntilSure(Recipe):
    """Draw samples of a problem until the probe finds that a fresh one would not be better.

    The answer is the best-scored sample's. All samples drawn are counted in full, the chosen one as
    thinking and answer, the others as probing. Sample number ``i`` draws the same random numbers as
    that of the other rules over samples.

    Attributes:
        judge: Scores a finished sample.
        enough: Stop at a score of at least this.
        most: Samples at most.
    """

    judge: RestartProbe
    enough: float
    most: int = 16

    def settings(self) -> dict[str, Any]:
        tensors: dict[str, Tensor] = {}
        told = describe(self.judge.probe, tensors)
        weights = content_hash(tensors)[:16]
        return {"judge": [told, weights], "enough": self.enough, "most": self.most}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        drawing = with_samples(setting)
        best: dict[str, tuple[float, Fresh]] = {}
        spent = dict.fromkeys((trace.problem for trace in traces), 0)
        open_ = list(traces)
        for number in range(self.most):
            generations = InterventionRun().generate(
                drawing, open_, lambda: None, number, TokenNotes()
            )
            scores = self.judge.score(torch.stack([described(each) for each in generations]))
            still = []
            for trace, generation, score in zip(open_, generations, scores.tolist(), strict=True):
                fresh = setting.grade(trace, generation.token_ids)
                spent[trace.problem] += len(generation.token_ids)
                if trace.problem not in best or score > best[trace.problem][0]:
                    best[trace.problem] = (score, fresh)
                if score < self.enough and number + 1 < self.most:
                    still.append(trace)
                else:
                    done()
            open_ = still
            if not open_:
                break
        return [_paid(best[trace.problem][1], spent[trace.problem]) for trace in traces]


def described(sample: Generation | Trace) -> Tensor:
    """Describe a finished sample by the probabilities of its tokens, and its length, ``[7]``."""
    tokens = torch.tensor([len(sample.token_ids)]).log()
    return torch.cat(
        [features(sample.logprobs, sample.entropies, sample.confidences), tokens.float()]
    )


def _paid(fresh: Fresh, spent: int) -> Fresh:
    """Charge what the samples that were not chosen took."""
    return replace(fresh, probing=spent - fresh.thinking - fresh.answer_tokens)
