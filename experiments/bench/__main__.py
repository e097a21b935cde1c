"""Run the benchmarks: ``python -m probexit.experiments.bench [NAME ...]`` (``make bench``)."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import torch

from probexit.experiments.bench.base import Benchmark
from probexit.experiments.bench.random_models import SIZES, random_reasoner
from probexit.experiments.bench.sizes import resized
from probexit.experiments.bench.table import Table
from probexit.experiments.registry import members, named
from probexit.hooks.models import SHIPPED, Reasoner, Source, load

FAMILY = "probexit.experiments.bench"


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    parser = ArgumentParser(prog=f"python -m {FAMILY}", description="Measure, ratios in one run.")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(members(FAMILY))}")
    models = f"folder, hub id or {', '.join(SIZES)}; default: %(default)s"
    parser.add_argument("--model", default=SHIPPED, help=models)
    sizes = "sizes of the benchmarks, such as rounds=1 'batches=(1, 8)'"
    parser.add_argument("--set", nargs="+", default=[], metavar="SIZE=VALUE", help=sizes)
    parser.add_argument("--device", help="such as cuda; default: what the model is loaded to")
    parser.add_argument("--out", type=Path, default=Path("bench.jsonl"), help="grows by each run")
    args = parser.parse_args(given)
    try:
        chosen = {name: named(FAMILY, name)() for name in args.names or members(FAMILY)}
        run(resized(chosen, args.set), _reasoner(args.model, args.device), Table(args.out))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def run(benchmarks: dict[str, Benchmark], reasoner: Reasoner, table: Table) -> None:
    """Measure one benchmark after the other; what is measured is kept at once."""
    table.mend()
    for name, benchmark in benchmarks.items():
        print(f"\n{name}", flush=True)
        for made in benchmark.measure(reasoner):
            print(table.add(name, made, reasoner), flush=True)
    print(f"\nadded to {table.file}")


def _reasoner(model: str, device: str | None) -> Reasoner:
    """Load the model onto a device.

    Raises:
        ValueError: if there is no such model or device.
    """
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    reasoner = random_reasoner(model) if model in SIZES else load(Source(model))
    if device is not None:
        try:
            reasoner.model.to(device)
        except (RuntimeError, AssertionError) as error:
            said = str(error).splitlines()[0]
            raise ValueError(f"--device {device}: {said}") from error
    return reasoner


if __name__ == "__main__":
    sys.exit(main())
