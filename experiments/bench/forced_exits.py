"""Forced-exit labelling on the shared prefix against re-prefilling each prefix."""

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import torch
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.forward import forward
from probexit.hooks.models import Reasoner

TOKENS, CUES, TRACES, ROUNDS = 1000, 20, 6, 3


def bench_forced_exits(reasoner: Reasoner) -> dict[str, Any]:
    """Time both ways on 1,000-token traces with 20 cues; the answers must be the same."""
    rollouts = _rollouts(reasoner)
    reader = RolloutReader(
        reasoner.model, (), tuple(reasoner.closing_ids()), frozenset(reasoner.eos), answer_tokens=8
    )

    def shared() -> list[list[int]]:
        readings = reader.read(rollouts)  # batched, as recording does
        return [branch.ids for reading in readings for branch in reading.answers]

    def again() -> list[list[int]]:
        return [_reprefill(reasoner, r.ids[: at + 1]) for r in rollouts for at in r.at]

    same = shared() == again()
    seconds = [(_clock(shared), _clock(again)) for _ in range(ROUNDS)]
    ratios = sorted(slow / fast for fast, slow in seconds)
    return {
        "traces": TRACES,
        "tokens_per_trace": TOKENS,
        "cues_per_trace": CUES,
        "same_answers": same,
        "times_faster_min": ratios[0],
        "times_faster_median": ratios[len(ratios) // 2],
        "times_faster_max": ratios[-1],
    }


def _rollouts(reasoner: Reasoner) -> list[ReadRequest]:
    """Make long traces by joining real questions and thoughts; only their length matters."""
    items = list(islice(Arith(seed=77).items(), 8 * TRACES))
    prompts = [reasoner.prompt(item.question) for item in items]
    thoughts = generate(
        reasoner.model, reasoner.tokenizer, prompts, None, Decoding(300, temperature=1.0)
    )
    rollouts = []
    for i in range(TRACES):
        ids: list[int] = list(prompts[8 * i])
        for j in range(8):
            ids += thoughts[8 * i + j].token_ids[:-8]
        ids = (ids * 4)[:TOKENS]
        rollouts.append(ReadRequest(ids, [TOKENS * (k + 1) // CUES - 1 for k in range(CUES)]))
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
