"""Recordings by the command line, in processes of their own, and what they left on disk."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

RECORD = (
    *("record", "--task", "arith:easy", "--n", "12", "--shard-size", "2", "--layers", "2,6"),
    *("--max-new-tokens", "160", "--answer-tokens", "4", "--cues", "reflection"),
)
CLI = "probexit.experiments.commands.cli"
SHARDS = 6


def start(launcher: Sequence[str], *options: str) -> "subprocess.Popen[str]":
    """Begin to record; the launcher's arguments end where the module is named."""
    return subprocess.Popen(
        [sys.executable, *launcher, CLI, *RECORD, *options],
        # One thread, for the same order of additions; and bars, though nobody watches.
        env=os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": ""},
        # A session in the background ignores interrupts, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="session")
def begin() -> Callable[..., "subprocess.Popen[str]"]:
    """``begin(launcher, *options)``: a recording that runs."""
    return start


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process records."""
    out = tmp_path_factory.mktemp("whole") / "run"
    alone = start(("-m",), "--out", str(out))
    _, said = alone.communicate(timeout=600)
    assert alone.returncode == 0, said[-2000:]
    return out


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Path, Path], None]:
    """``assert_same(run, other)``: same manifest, same shards, same tensors bit by bit."""

    def compare(run: Path, other: Path) -> None:
        assert (run / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()
        one, two = content(run), content(other)
        assert one.keys() == two.keys()
        assert len(one) == 2 * SHARDS
        for name, data in one.items():
            if name.endswith(".parquet"):
                assert two[name] == data
            else:
                assert two[name].keys() == data.keys()
                assert all(torch.equal(two[name][key], data[key]) for key in data)

    return compare


def content(run: Path) -> dict[str, Any]:
    """Everything in a run's shards."""
    files = [file for file in (run / "shards").iterdir() if not file.name.startswith(".")]
    return {
        file.name: pq.read_table(file).to_pylist() if file.suffix == ".parquet" else load_file(file)
        for file in files
    }
