"""Do saved tokens become saved time? The own loop with the controller against without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.controllers import controller_for
from probexit.experiments.evaluation.live_run import Live, stopwatch
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class SavedTime(Benchmark):
    """Problems with and without a controller that is fitted here, in turn.

    Attributes:
        problems: Problems run.
        train: Problems to fit and certify on.
        rounds: Repetitions.
    """

    problems: int = 256
    train: int = 384
    rounds: int = 3

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        decoding = Decoding(temperature=1.0, seed=5)
        controller = controller_for(reasoner, decoding, self.train)
        items = list(islice(Arith(seed=6).items(), self.problems))
        with_it = Live(reasoner, Arith(seed=6), controller, decoding)
        without = Live(reasoner, Arith(seed=6), None, decoding)
        stopwatch(without, items[:32])
        rounds = [
            (stopwatch(with_it, items), stopwatch(without, items)) for _ in range(self.rounds)
        ]
        (short, _), (long, _) = rounds[0]
        tokens = sum(line["tokens"] for line in short) / sum(line["tokens"] for line in long)
        ratio = spread([fast / slow for (_, fast), (_, slow) in rounds])
        yield Measurement(
            "own loop, sampled",
            ratio,
            "seconds with the controller over without",
            self.rounds,
            {
                "problems": self.problems,
                "token_ratio": tokens,
                "accuracy_with": sum(line["correct"] for line in short) / self.problems,
                "accuracy_without": sum(line["correct"] for line in long) / self.problems,
            },
        )
