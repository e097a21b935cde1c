"""Applying all replayable rules to very many traces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from probexit.exits.engines.decoding import Decoding
from probexit.exits.trace import Trace
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.cpu_time import cpu_seconds
from probexit.experiments.evaluation.choice import chosen
from probexit.experiments.evaluation.compare import compare
from probexit.experiments.fitting.fit import fit
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Method
from probexit.experiments.methods.core.context import Context
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class ReplayAll(Benchmark):
    """Rules over recorded traces that are repeated under new ids until there are enough.

    Rules that train something are measured apart: what they train on does not grow here.

    Attributes:
        recorded: Problems that are recorded.
        traces: Traces that half calibrate and half test.
        rounds: Repetitions.
    """

    recorded: int = 192
    traces: int = 10_000
    rounds: int = 1

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        task, layers = Arith(seed=9), (n_layers(reasoner.model),)
        decoding = Decoding(temperature=1.0, seed=9)
        recorder = Recorder(reasoner, task, Hesitation(), layers, decoding)
        traces = recorder.traces(list(islice(task.items(), self.recorded)), 0)
        rules = chosen("replayed")
        plain = {name: rule for name, rule in rules.items() if rule.training == "none"}
        trained = {name: rule for name, rule in rules.items() if name not in plain}
        for kind, some in (("without training", plain), ("with training", trained)):
            many = [self._seconds(reasoner, traces, some, self.traces) for _ in range(self.rounds)]
            few = [
                self._seconds(reasoner, traces, some, self.traces // 10) for _ in range(self.rounds)
            ]
            yield Measurement(
                f"{len(some)} rules {kind}, {self.traces} traces",
                spread([a / b for a, b in zip(many, few, strict=True)]),
                "CPU seconds over those at a tenth of the traces",
                self.rounds,
                {"cpu_seconds": min(many)},
            )

    def _seconds(
        self, reasoner: Reasoner, traces: Sequence[Trace], rules: Mapping[str, Method], n: int
    ) -> float:
        third = len(traces) // 3
        fitted = fit(
            traces[:third], (n_layers(reasoner.model),), layers=(n_layers(reasoner.model),)
        )
        splits = Splits(
            list(traces[:third]),
            _repeated(traces[third : 2 * third], n // 2),
            _repeated(traces[2 * third :], n // 2),
        )
        closing = len(reasoner.closing_ids())
        return cpu_seconds(
            lambda: compare(Context(splits, fitted.signal, fitted.grid, closing), rules)
        )


def _repeated(traces: Sequence[Trace], n: int) -> list[Trace]:
    """Return ``n`` traces of as many problems."""
    return [
        replace(traces[i % len(traces)], problem=f"{traces[i % len(traces)].problem}/{i}")
        for i in range(n)
    ]
