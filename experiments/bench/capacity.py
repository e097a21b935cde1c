"""Percentiles and throughput of a server with and without exits, from a recorded run.

Run by ``make capacity RUN=runs/arith``: the run's controller is replayed on the test problems, and
a simulated server writes what the full runs wrote, or what the exits would. A line of JSON each.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from probexit.exits.controller import ExitController
from probexit.exits.replay import exits
from probexit.exits.trace import Trace
from probexit.experiments.bench.server import (
    Job,
    Server,
    StepCost,
    percentiles,
    poisson_arrivals,
)
from probexit.experiments.evaluation.run_comparison import source_of
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.recording.run import Run

REQUESTS = 2_000  # drawn with replacement from the test problems


def tokens_written(trace: Trace, exit_index: int | None, closing: int) -> int:
    """Return the tokens of a trace that is left at a cue: to there, the closing text, the answer.

    Args:
        trace: A recorded trace.
        exit_index: The cue; None for the full run.
        closing: Tokens of the closing text.
    """
    if exit_index is None:
        return len(trace.token_ids)
    answer = int(trace.cues.answer_tokens[exit_index])
    return int(trace.cues.positions[exit_index]) + 1 + closing + answer


def lines(
    traces: Sequence[Trace], left: Sequence[int | None], closing: int, asked: argparse.Namespace
) -> list[dict[str, object]]:
    """Simulate each rate without and with the exits.

    Args:
        traces: Recorded traces.
        left: Where each is left; None for the full run.
        closing: Tokens of the closing text.
        asked: The places, costs, rates and seed of ``main``.
    """
    server = Server(StepCost(asked.step, asked.row, asked.prompt), asked.places)
    drawn = np.random.default_rng(asked.seed).integers(len(traces), size=REQUESTS)
    made: list[dict[str, object]] = []
    for rate in asked.rates:
        arrivals = poisson_arrivals(REQUESTS, rate, asked.seed)
        for name, places in (("full run", [None] * len(traces)), ("exits", left)):
            tokens = [
                tokens_written(trace, place, closing)
                for trace, place in zip(traces, places, strict=True)
            ]
            requests = [
                Job(time, len(traces[i].prompt_ids), tokens[i])
                for time, i in zip(arrivals, drawn, strict=True)
            ]
            made.append({"rate": rate, "rule": name, **percentiles(server.serve(requests))})
    return made


def main() -> None:
    """Read the run and its controller, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a recorded run with a controller")
    parser.add_argument("--places", type=int, default=64, help="rows at once")
    parser.add_argument("--step", type=float, default=0.015, help="seconds of a forward pass")
    parser.add_argument("--row", type=float, default=0.0, help="more for each row")
    parser.add_argument("--prompt", type=float, default=4e-5, help="more for each prompt token")
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0], help="requests a second")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    run = Run(asked.run)
    controller = ExitController.load(run.folder / "controller")
    traces = splits_of(run).test
    left = exits(controller.policy, [controller.signal.scores(trace) for trace in traces])
    closing = len(source_of(run).closing_ids())
    for line in lines(traces, left, closing, asked):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
