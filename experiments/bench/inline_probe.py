"""A probe inside the generation of one text: ours under ``attach`` beside Undercurrent's."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice

import torch

from probexit.exits.controller import ExitController
from probexit.exits.policies.never import Never
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.metered_engines import MeteredEngine, MeteredGenerate
from probexit.experiments.bench.undercurrent_model import MeteredUndercurrent
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.layers import hidden_size, n_layers
from probexit.hooks.models import Reasoner
from probexit.probes.logistic import Logistic


@dataclass(frozen=True)
class InlineProbe(Benchmark):
    """CPU time of hooks and decisions over that of all else, two tools in turn on the same texts.

    The same probe reads the last layer after every so many tokens, and never stops anything.

    Attributes:
        every: Tokens from one reading to the next.
        texts: Texts, one after the other.
        tokens: Longest text.
        rounds: Repetitions.
    """

    every: tuple[int, ...] = (16, 1)
    texts: int = 4
    tokens: int = 160
    rounds: int = 5

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        prompts = [
            reasoner.prompt(item.question) for item in islice(Arith(seed=6).items(), self.texts)
        ]
        engines = _engines()
        for every in self.every:
            controller = _watching_one_layer(reasoner, every)
            meters = [
                [engine.metered(reasoner, controller, [prompt], self.tokens) for engine in engines]
                for _ in range(self.rounds)
                for prompt in prompts
            ]
            for engine, own in zip(engines, zip(*meters, strict=True), strict=True):
                yield Measurement(
                    f"{engine.title}, every {every} tokens, batch 1",
                    spread([meter.share for meter in own]),
                    "CPU time of hooks and decisions over the rest",
                    len(own),
                    {"tokens": self.tokens, "calls": own[0].calls},
                )


def _engines() -> list[MeteredEngine]:
    if find_spec("undercurrent") is None:
        print("  undercurrent is not installed here: left out", file=sys.stderr)
        return [MeteredGenerate()]
    return [MeteredGenerate(), MeteredUndercurrent()]


def _watching_one_layer(reasoner: Reasoner, every: int) -> ExitController:
    layers = (n_layers(reasoner.model),)
    states = torch.randn(64, hidden_size(reasoner.model), generator=torch.manual_seed(0))
    signal = ProbeSignal(Logistic().fit(states, torch.arange(64) % 2), layers, layers)
    return ExitController(EveryK(every), signal, Never(), reasoner.tags, reasoner.closing)
