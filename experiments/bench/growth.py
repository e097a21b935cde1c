"""How the time to read a batch of traces grows with length, batch, layers and cues."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.cpu_time import cpu_seconds
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class Size:
    """What is read: so many traces of so many tokens, at so many cues and layers."""

    tokens: int
    traces: int
    layers: int
    cues: int


@dataclass(frozen=True)
class Growth(Benchmark):
    """Each size doubled in turn, the others as they are; 2 is in proportion.

    Attributes:
        base: The sizes that are doubled; its layers are cut to half of the model's.
        rounds: Repetitions.
    """

    base: Size = Size(500, 4, 3, 10)
    rounds: int = 5

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        base = replace(
            self.base, layers=max(1, min(self.base.layers, n_layers(reasoner.model) // 2))
        )
        for name in ("tokens", "traces", "layers", "cues"):
            one = getattr(base, name)
            twice = replace(base, **{name: 2 * one})
            _seconds(reasoner, twice)
            ratios = [
                _seconds(reasoner, twice) / _seconds(reasoner, base) for _ in range(self.rounds)
            ]
            yield Measurement(
                f"{name}, {one} to {2 * one}",
                spread(ratios),
                "CPU seconds of reading twice as many over as many",
                self.rounds,
            )


def _seconds(reasoner: Reasoner, size: Size) -> float:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(
        10, len(reasoner.tokenizer), (size.traces, size.tokens), generator=generator
    )
    at = [size.tokens * (k + 1) // size.cues - 1 for k in range(size.cues)]
    closing, layers = tuple(reasoner.closing_ids()), tuple(range(size.layers))
    reader = RolloutReader(reasoner.model, layers, closing, frozenset(), answer_tokens=4)
    return cpu_seconds(lambda: reader.read([ReadRequest(row, at) for row in ids.tolist()]))
