"""What an attached controller costs at each decoding step, engine by engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

import torch

from probexit.exits.controller import ExitController
from probexit.exits.policies.never import Never
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.metered_engines import ENGINES, MeteredEngine
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.layers import hidden_size, n_layers
from probexit.hooks.models import Reasoner
from probexit.probes.logistic import Logistic

OFTEN: dict[str, CueSet] = {"every 16 tokens": EveryK(16), "every token": EveryK(1)}


@dataclass(frozen=True)
class Overhead(Benchmark):
    """CPU time of hooks and decisions over that of all else, in the thread of the engine.

    The controller reads two layers with a probe and never leaves, so that all rows run to the
    limit of tokens or their own end. Both times are of the same run: no noise of a second run, and
    no other process, comes between them.

    Attributes:
        batches: Rows that run together.
        often: Rows that run together where the probe is read at more than cue words.
        tokens: Longest text of a row.
        rounds: Repetitions.
    """

    batches: tuple[int, ...] = (1, 8, 64)
    often: tuple[int, ...] = (8,)
    tokens: int = 160
    rounds: int = 5

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        items = list(islice(Arith(seed=6).items(), max(self.batches)))
        prompts = [reasoner.prompt(item.question) for item in items]
        for engine, batch in product(ENGINES, self.batches):
            yield self._line(engine, reasoner, ("cue words", Hesitation()), prompts[:batch])
        for engine, where, batch in product(ENGINES, OFTEN.items(), self.often):
            yield self._line(engine, reasoner, where, prompts[:batch])

    def _line(
        self,
        engine: MeteredEngine,
        reasoner: Reasoner,
        where: tuple[str, CueSet],
        prompts: list[list[int]],
    ) -> Measurement:
        name, cues = where
        controller = watching(reasoner, cues)
        meters = [
            engine.metered(reasoner, controller, prompts, self.tokens) for _ in range(self.rounds)
        ]
        return Measurement(
            f"{engine.title}, {name}, batch {len(prompts)}",
            spread([meter.share for meter in meters]),
            "CPU time of hooks and decisions over the rest",
            self.rounds,
            {"tokens": self.tokens, "calls": meters[0].calls},
        )


def watching(reasoner: Reasoner, cues: CueSet) -> ExitController:
    """Make a controller that reads two layers with a probe and never leaves."""
    layers = (n_layers(reasoner.model) - 1, n_layers(reasoner.model))
    states = torch.randn(64, 2 * hidden_size(reasoner.model), generator=torch.manual_seed(0))
    signal = ProbeSignal(Logistic().fit(states, torch.arange(64) % 2), layers, layers)
    return ExitController(cues, signal, Never(), reasoner.tags, reasoner.closing)
