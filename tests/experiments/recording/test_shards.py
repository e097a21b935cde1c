"""Shards on disk: what is written reads back, and nothing half written is ever read."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from probexit.exits.trace import GradedCues, Trace
from probexit.experiments.recording import shards
from probexit.experiments.recording.shards import items_in, read_shard, write_shard
from probexit.experiments.recording.tasks.base import Item

Make = Callable[..., list[Trace]]


def same_cues(one: GradedCues, other: GradedCues) -> None:
    for field in fields(GradedCues):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("answer_ids", "answer_logprobs"):  # a shard pads all to one width
            fill = -1 if field.name == "answer_ids" else 0
            extra = theirs[:, mine.shape[1] :]
            assert (extra == fill).all()
            theirs = theirs[:, : mine.shape[1]]
        if isinstance(mine, torch.Tensor):
            assert mine.dtype == theirs.dtype, field.name
            assert torch.equal(mine, theirs), field.name
        else:
            assert mine == theirs, field.name


def same(one: list[Trace], other: list[Trace]) -> None:
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        for field in fields(Trace):
            a, b = getattr(mine, field.name), getattr(theirs, field.name)
            if isinstance(a, GradedCues):
                same_cues(a, b)
            else:
                equal = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
                assert equal, field.name


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_round_trip(make_traces: Make, tmp_path: Path) -> None:
    """Traces without cues, with answers of different lengths, cut off and late ones."""
    traces = make_traces(60)
    assert {len(t.cues) for t in traces} > {0, 1}
    write_shard(tmp_path, 3, traces)
    same(traces, read_shard(tmp_path, 3))
    assert items_in(tmp_path, 3) == [Item(t.problem, t.question, t.gold) for t in traces]
    assert items_in(tmp_path, 4) == []


def test_the_index_can_be_searched(make_traces: Make, tmp_path: Path) -> None:
    traces = make_traces(12)
    write_shard(tmp_path, 0, traces)
    table = pq.read_table(tmp_path / "shard-00000.parquet").to_pylist()
    assert len(table) == sum(len(t.cues) + 1 for t in traces)
    keys = {(row["problem"], row["rollout"], row["cue"]) for row in table}
    assert len(keys) == len(table)
    row = next(r for r in table if r["problem"] == traces[5].problem and r["cue"] == 0)
    assert row["position"] == traces[5].cues.positions[0]
    assert row["exit_answer"] == traces[5].cues.answers[0]


def test_a_larger_shard_replaces_a_smaller_one(make_traces: Make, tmp_path: Path) -> None:
    traces = make_traces(9)
    write_shard(tmp_path, 0, traces[:4])
    (tmp_path / "shard-00000-7.safetensors.tmp").write_bytes(b"left by a kill")
    write_shard(tmp_path, 1, traces[:2])
    write_shard(tmp_path, 0, traces)
    same(traces, read_shard(tmp_path, 0))
    assert names(tmp_path) == [
        "shard-00000-9.safetensors",
        "shard-00000.parquet",
        "shard-00001-2.safetensors",
        "shard-00001.parquet",
    ]


@contextmanager
def broken(module: Any, name: str, error: BaseException) -> Iterator[None]:
    """Let the disk be full in the middle of a file: some of it is written."""
    original = getattr(module, name)

    def fail(*args: Any) -> None:
        file = next(a for a in args if isinstance(a, Path))
        file.write_bytes(b"half a fi")
        raise error

    setattr(module, name, fail)
    try:
        yield
    finally:
        setattr(module, name, original)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("place", [(shards, "save_file"), (pq, "write_table")])
def test_an_interrupted_write_leaves_what_was_there(
    place: tuple[Any, str], error: OSError, make_traces: Make, tmp_path: Path
) -> None:
    traces = make_traces(9)
    write_shard(tmp_path, 0, traces[:4])
    before = names(tmp_path)
    with broken(*place, error), pytest.raises(OSError, match="No space left"):
        write_shard(tmp_path, 0, traces)
    same(traces[:4], read_shard(tmp_path, 0))
    assert set(names(tmp_path)) - set(before) <= {"shard-00000-9.safetensors"}
    with broken(*place, error), pytest.raises(OSError, match="No space left"):
        write_shard(tmp_path, 1, traces)
    assert items_in(tmp_path, 1) == []
    write_shard(tmp_path, 0, traces)
    same(traces, read_shard(tmp_path, 0))


def test_interruption_by_the_user_leaves_no_rest(make_traces: Make, tmp_path: Path) -> None:
    with broken(shards, "save_file", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path, 0, make_traces(2))
    assert names(tmp_path) == []


def test_what_safetensors_makes_of_a_full_disk(make_traces: Make, tmp_path: Path) -> None:
    """A real failing write: the system refuses files beyond some size."""
    traces = make_traces(40)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot write .*shard-00000-40"):
            write_shard(tmp_path, 0, traces)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []
    write_shard(tmp_path, 0, traces)
    same(traces, read_shard(tmp_path, 0))


@pytest.mark.parametrize("call", range(2))
def test_dying_at_either_rename(
    call: int, make_traces: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is gone before its first or second rename; nothing is cleaned up."""
    traces, done = make_traces(9), []
    write_shard(tmp_path, 0, traces[:4])
    rename = os.replace

    def die(source: Path, target: Path) -> None:
        if len(done) == call:
            raise SystemExit
        done.append(target)
        rename(source, target)

    monkeypatch.setattr(os, "replace", die)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    with pytest.raises(SystemExit):
        write_shard(tmp_path, 0, traces)
    monkeypatch.undo()
    same(traces[:4], read_shard(tmp_path, 0))
    write_shard(tmp_path, 0, traces)
    same(traces, read_shard(tmp_path, 0))
    assert names(tmp_path) == ["shard-00000-9.safetensors", "shard-00000.parquet"]


def test_a_trace_needs_its_start(make_traces: Make, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="p00000 has no forced exit before thinking"):
        write_shard(tmp_path, 0, [replace(make_traces(1)[0], start=None)])
