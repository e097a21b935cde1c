"""A recording killed at any instant goes on as if nothing had happened."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from probexit.experiments import reasoner
from probexit.experiments.recording.run import Run

DRIVER = Path(__file__).with_name("driver.py")
KILLED = -9


def drive(out: Path, renames: list[int], fractions: list[float]) -> list[int]:
    """Record undisturbed into ``whole`` and with kills into ``killed``; return exit statuses."""
    plan = [",".join(map(str, numbers)) for numbers in (renames, fractions)]
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(reasoner.path()), str(out), *plan],
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # a process with threads cannot be forked
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [int(line) for line in done.stdout.split()]


def content(out: Path) -> dict[str, Any]:
    """Everything in a run: tensors bit by bit, and the index."""
    shards = out / "shards"
    found: dict[str, Any] = {f.name: load_file(f) for f in shards.glob("*.safetensors")}
    found |= {f.name: pq.read_table(f).to_pylist() for f in shards.glob("*.parquet")}
    assert len(found) == len(list(shards.iterdir())) == 8  # nothing else is left
    return found


def survive(out: Path, renames: list[int], kills: int) -> None:
    fractions = [random.Random(5).uniform(0.01, 0.6) for _ in range(kills)]
    codes = drive(out, renames, fractions)
    assert codes[-1] == 0
    assert codes[: len(renames)] == [KILLED] * len(renames)
    assert codes.count(KILLED) >= len(renames) + 0.5 * kills  # some may come too late
    killed, whole = content(out / "killed"), content(out / "whole")
    assert killed.keys() == whole.keys()
    for name, data in whole.items():
        if name.endswith(".parquet"):
            assert killed[name] == data
        else:
            assert killed[name].keys() == data.keys()
            assert all(torch.equal(killed[name][key], data[key]) for key in data)
    traces = Run(out / "killed").traces()
    assert len({t.problem for t in traces}) == len(traces) == 8


def test_two_instants(tmp_path: Path) -> None:
    """Between the two files of a shard, and at an instant drawn at random."""
    survive(tmp_path, [1], 1)


@pytest.mark.slow
def test_ten_random_instants(tmp_path: Path) -> None:
    survive(tmp_path, [0, 1, 2, 3], 10)
