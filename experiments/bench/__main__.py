"""Run every measurement: ``python -m probexit.experiments.bench`` (``make bench``)."""

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from probexit.experiments.bench.continuous import bench_continuous
from probexit.experiments.bench.forced_exits import bench_forced_exits
from probexit.experiments.bench.saved_time import bench_saved_time
from probexit.hooks.models import Source, load


def main(out: Path = Path("bench.json")) -> None:
    """Measure, print and write ``bench.json``."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    reasoner = load(Source())
    results: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    benches = {
        "forced_exits": bench_forced_exits,
        "saved_time": bench_saved_time,
        "continuous": bench_continuous,
    }
    for name, bench in benches.items():
        print(f"\n{name}")
        results[name] = bench(reasoner)
        for key, value in results[name].items():
            print(f"  {key:<34}{value:.3f}" if isinstance(value, float) else f"  {key:<34}{value}")
    out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {out}")


if __name__ == "__main__":
    main()
