"""Latency where requests arrive one by one: a simulated server against the loop itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.experiments.bench.arriving_loop import ArrivingLoop
from probexit.experiments.bench.base import Benchmark, Measurement, spread
from probexit.experiments.bench.controllers import controller_for
from probexit.experiments.bench.server import (
    Job,
    Server,
    Sojourn,
    StepCost,
    percentiles,
    poisson_arrivals,
)
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Reasoner

Prompts = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Arrivals(Benchmark):
    """Requests of a Poisson process, with and without a controller, at the same rates.

    Costs of a pass are fitted on a run where all requests come at once; the runs that the
    simulation is checked against are others.

    Attributes:
        problems: Requests of each run.
        train: Problems that the controller is fitted and certified on.
        places: Rows at once.
        loads: Rates, over what the loop serves without a controller when it is never idle.
        rounds: Draws of the arrivals.
    """

    problems: int = 96
    train: int = 384
    places: int = 16
    loads: tuple[float, ...] = (0.5, 0.9)
    rounds: int = 3

    def measure(self, reasoner: Reasoner) -> Iterator[Measurement]:
        controller = controller_for(reasoner, Decoding(seed=5), self.train)
        decoding = Decoding(seed=5, batch_size=self.places)
        items = islice(Arith(seed=6).items(), self.problems)
        prompts = [reasoner.prompt(item.question) for item in items]
        with _one_thread():
            full = _Engine.of(reasoner, None, decoding, prompts)
            exits = _Engine.of(reasoner, controller, decoding, prompts)
            for load in self.loads:
                rate = load * full.rate
                for name, engine in (("full run", full), ("controller", exits)):
                    yield self._compared(f"{name}, load {load:g}", engine, rate)

    def _compared(self, case: str, engine: "_Engine", rate: float) -> Measurement:
        ratios = []
        for seed in range(self.rounds):
            arrivals = poisson_arrivals(self.problems, rate, seed)
            measured = percentiles(engine.served(arrivals))
            simulated = percentiles(engine.simulated(arrivals, self.places))
            ratios += [simulated[p] / measured[p] for p in ("p50", "p95")]
        facts = {"requests_per_second": rate}
        facts |= {f"measured_{name}": value for name, value in measured.items()}
        facts |= {f"simulated_{name}": value for name, value in simulated.items()}
        of = "p50 and p95 of the latency, simulated over measured"
        return Measurement(case, spread(ratios), of, self.rounds, facts)


@dataclass(frozen=True)
class _Engine:
    """The loop with or without a controller, what it writes and what its passes cost."""

    loop: ArrivingLoop
    prompts: Prompts
    written: list[int]
    cost: StepCost
    rate: float

    @classmethod
    def of(
        cls,
        reasoner: Reasoner,
        controller: ExitController | None,
        decoding: Decoding,
        prompts: Prompts,
    ) -> "_Engine":
        loop = ArrivingLoop(reasoner, controller, decoding)
        written, served = loop.serve(prompts, [0.0] * len(prompts))
        lengths = [len(one.token_ids) for one in written]
        rate = len(prompts) / max(one.ends for one in served)
        return cls(loop, prompts, lengths, StepCost.fitted(loop.passes), rate)

    def served(self, arrivals: Sequence[float]) -> list[Sojourn]:
        return self.loop.serve(self.prompts, arrivals)[1]

    def simulated(self, arrivals: Sequence[float], places: int) -> list[Sojourn]:
        each = zip(arrivals, self.prompts, self.written, strict=True)
        requests = [Job(time, len(prompt), tokens) for time, prompt, tokens in each]
        return Server(self.cost, places).serve(requests)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: the CPU time of a process counts all of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
