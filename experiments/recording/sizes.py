"""How much room recorded states take, so that it can be known before much is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from probexit.exits.trace import Trace

BYTES = 2  # bfloat16
MEGABYTE = 1e6


@dataclass(frozen=True)
class StateSizes:
    """Megabytes of states in a trace, on average.

    Attributes:
        cues: As every recording holds them: two states a cue at each recorded layer.
        heads: What ``record --heads`` adds: at each cue the heads of all layers.
        tokens: What ``record --tokens`` adds: each thinking token at each recorded layer.
    """

    cues: float
    heads: float
    tokens: float

    @classmethod
    def of(cls, traces: Sequence[Trace], model_layers: int) -> Self:
        """Measure some traces of a model; heads are as wide together as the model.

        Raises:
            ValueError: if there are no traces.
        """
        if not traces:
            raise ValueError("there are no traces to measure")
        reads = sum(len(trace.cues) + 1 for trace in traces) / len(traces)
        thinking = sum(trace.thinking for trace in traces) / len(traces)
        layers, width = traces[0].cues.hidden.shape[1:]
        state = width * BYTES / MEGABYTE
        return cls(
            cues=2 * reads * layers * state,
            heads=reads * model_layers * state,
            tokens=thinking * layers * state,
        )

    def __str__(self) -> str:
        return (
            f"States take {self.cues:.3g} MB a trace; `record --heads` adds {self.heads:.3g} MB, "
            f"`record --tokens` {self.tokens:.3g} MB (at the recorded layers: fewer of them, fewer "
            "bytes)."
        )
