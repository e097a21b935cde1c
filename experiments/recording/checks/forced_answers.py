"""Forced exits as they are recorded, against decoding each prefix."""

import time
from typing import ClassVar

import torch
from transformers import DynamicCache

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject
from probexit.experiments.recording.forking import ForkingReader
from probexit.experiments.recording.reader_choice import choose_reader
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.hooks.forward import forward


class ForcedAnswers(ModelCheck):
    """Forced exits read together give what decoding each of them gives."""

    title: ClassVar[str] = "forced exits, recorded together"
    short: ClassVar[bool] = True

    def run(self, subject: Subject) -> Finding:
        reasoner = subject.reasoner
        closing = tuple(reasoner.closing_ids())
        settings = (subject.model, (0,), closing, frozenset(reasoner.eos), 4, 0, Decoding())
        reader = choose_reader(RolloutReader(*settings), (subject.prompts[0] * 8)[:24])
        if not isinstance(reader, ForkingReader):
            return self.has("all exits of a trace share one prefill")
        how = "token by token" if reader.single else "from cue to cue"
        return self.has(f"read {how}, a copy of the row at each cue; {_cost(reader, subject)}")


def _cost(reader: ForkingReader, subject: Subject) -> str:
    """Measure reading with copies against one prefill of the same tokens."""
    ids = (subject.prompts[3] * 20)[:160]
    rollouts = [ReadRequest(ids, list(range(19, 160, 20)))]
    start = time.perf_counter()
    reader.read(rollouts)
    copies = time.perf_counter() - start
    start = time.perf_counter()
    with torch.inference_mode():
        forward(subject.model, torch.tensor([ids]), DynamicCache(config=subject.model.config))
    return f"{copies / (time.perf_counter() - start):.1f} times one prefill, for 8 exits"
