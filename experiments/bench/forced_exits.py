"""Forced-exit labelling on the shared prefix against prefilling each prefix again, and copies."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.cpu_time import cpu_seconds
from probexit.experiments.recording.batches import in_batches
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.forward import forward
from probexit.hooks.models import Reasoner
from probexit.hooks.prefill import prefill_tokens


@dataclass(frozen=True)
class ForcedExits(Benchmark):
    """Three ways at all cues of long traces; their answers must be the same.

    Prefilling again is what public code does; one prefill whose cache is copied and cropped at
    each cue is the best that can be done without a mask of branches.

    Attributes:
        shapes: Tokens of a trace, and its cues, evenly spread.
        traces: Traces read together.
        rounds: Repetitions.
    """

    shapes: tuple[tuple[int, int], ...] = ((250, 20), (1000, 20), (1000, 60), (4000, 20))
    traces: int = 4
    rounds: int = 3

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        for tokens, cues in self.shapes:
            yield from self._shape(reasoner, tokens, cues)

    def _shape(self, reasoner: Reasoner, tokens: int, cues: int) -> Iterator[Measurement]:
        rollouts = self._rollouts(reasoner, tokens, cues)
        closing, eos = tuple(reasoner.closing_ids()), frozenset(reasoner.eos)
        reader = RolloutReader(reasoner.model, (), closing, eos, answer_tokens=8)

        def shared() -> list[list[int]]:
            length = prefill_tokens(reasoner.model)  # batched, as recording does
            readings = in_batches(reader.read, rollouts, lambda r: len(r.ids), length)
            return [branch.ids for reading in readings for branch in reading.answers]

        def again() -> list[list[int]]:
            prefixes = (r.ids[: at + 1] for r in rollouts for at in r.at)
            return [_answer(reasoner, DynamicCache(), prefix) for prefix in prefixes]

        def copied() -> list[list[int]]:
            return [ids for r in rollouts for ids in _from_copies(reasoner, r)]

        ours = shared()
        for name, way in (("prefilling again", again), ("cropped copies of the cache", copied)):
            seconds = [(cpu_seconds(shared), cpu_seconds(way)) for _ in range(self.rounds)]
            yield Measurement(
                f"{tokens} tokens, {cues} cues, {name}",
                spread([slow / fast for fast, slow in seconds]),
                "CPU seconds over ours",
                self.rounds,
                {"traces": self.traces, "same_answers": ours == way()},
            )

    def _rollouts(self, reasoner: Reasoner, tokens: int, cues: int) -> list[ReadRequest]:
        """Make long traces by joining real questions and thoughts; only their length matters."""
        items = list(islice(Arith(seed=77).items(), 8 * self.traces))
        prompts = [reasoner.prompt(item.question) for item in items]
        thoughts = generate(
            reasoner.model, reasoner.tokenizer, prompts, None, Decoding(300, temperature=1.0)
        )
        at = [tokens * (k + 1) // cues - 1 for k in range(cues)]
        rollouts = []
        for i in range(self.traces):
            ids: list[int] = list(prompts[8 * i])
            for j in range(8):
                ids += thoughts[8 * i + j].token_ids[:-8]
            rollouts.append(ReadRequest((ids * (tokens // len(ids) + 1))[:tokens], at))
        return rollouts


@torch.inference_mode()
def _answer(reasoner: Reasoner, cache: Any, unread: list[int]) -> list[int]:
    """Read what the cache does not hold, close the thinking and decode an answer greedily."""
    ids = torch.tensor([unread + reasoner.closing_ids()])
    answer: list[int] = []
    for _ in range(8):
        logits = forward(reasoner.model, ids, cache, keep=1)[0, -1]
        if not answer:
            logits[sorted(reasoner.eos)] = float("-inf")  # an answer is never empty
        answer.append(int(logits.argmax()))
        if answer[-1] in reasoner.eos:
            break
        ids = torch.tensor([answer[-1:]])
    return answer


@torch.inference_mode()
def _from_copies(reasoner: Reasoner, rollout: ReadRequest) -> list[list[int]]:
    """Prefill once; answer at each cue on a copy that is cropped to it."""
    whole = DynamicCache()
    forward(reasoner.model, torch.tensor([rollout.ids]), whole, keep=1)
    answers = []
    for at in rollout.at:
        cache = copy.deepcopy(whole)
        if beyond := len(rollout.ids) - at - 1:
            cache.crop(-beyond)
        answers.append(_answer(reasoner, cache, []))
    return answers
