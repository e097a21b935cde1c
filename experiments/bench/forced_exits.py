"""Forced-exit labelling on the shared prefix against prefilling each prefix again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.forward import forward
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class ForcedExits(Benchmark):
    """Both ways at all cues of long traces; their answers must be the same.

    Attributes:
        tokens: Length of a trace.
        cues: Cues of a trace, evenly spread.
        traces: Traces read together.
        rounds: Repetitions.
    """

    tokens: int = 1000
    cues: int = 20
    traces: int = 6
    rounds: int = 3

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        rollouts = self._rollouts(reasoner)
        closing = reasoner.closing_ids()
        reader = RolloutReader(
            reasoner.model, (), tuple(closing), frozenset(reasoner.eos), answer_tokens=8
        )

        def shared() -> list[list[int]]:
            readings = reader.read(rollouts)  # batched, as recording does
            return [branch.ids for reading in readings for branch in reading.answers]

        def again() -> list[list[int]]:
            return [_reprefill(reasoner, r.ids[: at + 1]) for r in rollouts for at in r.at]

        same = shared() == again()
        seconds = [(_clock(shared), _clock(again)) for _ in range(self.rounds)]
        yield Measurement(
            f"{self.tokens} tokens, {self.cues} cues",
            spread([slow / fast for fast, slow in seconds]),
            "seconds of prefilling again over ours",
            self.rounds,
            {"traces": self.traces, "same_answers": same},
        )

    def _rollouts(self, reasoner: Reasoner) -> list[ReadRequest]:
        """Make long traces by joining real questions and thoughts; only their length matters."""
        items = list(islice(Arith(seed=77).items(), 8 * self.traces))
        prompts = [reasoner.prompt(item.question) for item in items]
        thoughts = generate(
            reasoner.model, reasoner.tokenizer, prompts, None, Decoding(300, temperature=1.0)
        )
        at = [self.tokens * (k + 1) // self.cues - 1 for k in range(self.cues)]
        rollouts = []
        for i in range(self.traces):
            ids: list[int] = list(prompts[8 * i])
            for j in range(8):
                ids += thoughts[8 * i + j].token_ids[:-8]
            rollouts.append(ReadRequest((ids * (self.tokens // len(ids) + 1))[: self.tokens], at))
        return rollouts


@torch.inference_mode()
def _reprefill(reasoner: Reasoner, prefix: list[int]) -> list[int]:
    """Prefill one prefix with its closing text and decode its answer greedily."""
    ids = torch.tensor([prefix + reasoner.closing_ids()])
    cache = DynamicCache()
    answer: list[int] = []
    for _ in range(8):
        logits = forward(reasoner.model, ids, cache, keep=1)
        answer.append(int(logits[0, -1].argmax()))
        if answer[-1] in reasoner.eos:
            break
        ids = torch.tensor([answer[-1:]])
    return answer


def _clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
