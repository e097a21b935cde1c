"""Workers of a Ray cluster: one killed in the middle, a recording stopped and gone on with."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probexit.experiments.recording.cluster.pool import RayPool
from probexit.experiments.recording.cluster.shard_worker import ShardWorker, tried
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shard_plan import Shard

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="no Ray here: run `make test-ray`")
HERE = ("-m",)
WORKER = b"ShardWorker"


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        children.setdefault(parent, []).append(int(folder.name))
    found = children.get(pid, [])
    return [*found, *(each for child in found for each in descendants(child))]


def workers(pid: int) -> list[int]:
    """The workers of a recording."""
    found = []
    for each in descendants(pid):
        try:
            if WORKER in Path(f"/proc/{each}/cmdline").read_bytes():
                found.append(each)
        except OSError:
            continue
    return found


def shards(out: Path) -> dict[str, int]:
    """When each shard of a run was written, in nanoseconds, by its file's name."""
    return {file.name: file.stat().st_mtime_ns for file in (out / "shards").glob("*.parquet")}


@pytest.fixture
def in_the_middle(
    tmp_path: Path, begin: Callable[..., "subprocess.Popen[str]"]
) -> Callable[[str], "tuple[Path, subprocess.Popen[str]]"]:
    """``in_the_middle(workers)``: a run, and what records it on Ray and has written a shard."""

    def started(workers: str) -> "tuple[Path, subprocess.Popen[str]]":
        out = tmp_path / "run"
        cluster = begin(HERE, "--out", str(out), "--ray", "local", "--workers", workers)
        while not shards(out):
            assert cluster.poll() is None, cluster.communicate()[1][-3000:]
            time.sleep(0.05)
        return out, cluster

    return started


@needs_ray
def test_a_killed_worker_changes_nothing(
    in_the_middle: Callable[[str], "tuple[Path, subprocess.Popen[str]]"],
    whole: Path,
    assert_same: Callable[[Path, Path], None],
) -> None:
    out, cluster = in_the_middle("2")
    busy = workers(cluster.pid)
    os.kill(busy[0], signal.SIGKILL)
    assert len(shards(out)) < 6
    said, warned = cluster.communicate(timeout=900)
    assert cluster.returncode == 0, warned[-3000:]
    assert len(busy) == 2
    assert "12 problems recorded" in said
    assert "12 of 12" in warned  # the bar
    assert_same(out, whole)


@needs_ray
def test_an_interrupted_recording_goes_on_anywhere(
    in_the_middle: Callable[[str], "tuple[Path, subprocess.Popen[str]]"],
    whole: Path,
    begin: Callable[..., "subprocess.Popen[str]"],
    assert_same: Callable[[Path, Path], None],
) -> None:
    out, cluster = in_the_middle("1:2")
    cluster.send_signal(signal.SIGINT)
    assert cluster.communicate(timeout=120)[1].endswith("run the same command again to resume\n")
    kept = shards(out)
    assert 0 < len(kept) < 6
    rest = begin(HERE, "--out", str(out))  # by one process, as the cluster would
    rest.communicate(timeout=900)
    assert rest.returncode == 0
    assert_same(out, whole)
    assert kept.items() <= shards(out).items()


@needs_ray
def test_what_a_worker_refuses_is_one_sentence(
    tmp_path: Path, begin: Callable[..., "subprocess.Popen[str]"]
) -> None:
    cluster = begin(HERE, "--out", str(tmp_path / "run"), "--ray", "local", "--layers", "2,99")
    warned = cluster.communicate(timeout=300)[1]
    assert cluster.returncode == 2
    assert warned.splitlines()[-1].startswith("probexit record: layers [99]: this model has 0 to")


@needs_ray
def test_a_cluster_that_is_not_there_is_said(
    tmp_path: Path, begin: Callable[..., "subprocess.Popen[str]"]
) -> None:
    cluster = begin(HERE, "--out", str(tmp_path / "run"), "--ray", "auto")
    warned = cluster.communicate(timeout=300)[1]
    assert cluster.returncode == 2
    assert "no Ray cluster at 'auto'" in warned


def test_what_ray_gives_up_is_handed_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """An actor that cannot be reached for a moment ends Ray's own tries, and not the recording."""

    class RayActorError(Exception):
        pass

    handed: list[list[int]] = []

    def done(_: object, __: object, todo: list[Shard], ___: object) -> Iterator[dict[str, Any]]:
        handed.append([shard.number for shard in todo])
        yield {"number": todo[0].number}
        if len(todo) > 1:
            raise RayActorError("temporarily unavailable")

    exceptions = SimpleNamespace(RayActorError=RayActorError)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(exceptions=exceptions))
    monkeypatch.setitem(sys.modules, "ray.exceptions", exceptions)
    monkeypatch.setattr(RayPool, "_done", done)
    todo = [Shard(number, number, []) for number in range(3)]
    told = RayPool()._to_the_end(Run("nowhere"), todo, lambda: pytest.fail("made here"))
    assert [one["number"] for one in told] == [0, 1, 2]
    assert handed == [[0, 1, 2], [1, 2], [2]]
    many = [Shard(number, number, []) for number in range(30)]
    with pytest.raises(ValueError, match=r"the workers of 20 shards died 10 times"):
        list(RayPool()._to_the_end(Run("nowhere"), many, lambda: pytest.fail("made here")))


@pytest.mark.parametrize(("smallest", "largest"), [(0, 2), (3, 2)])
def test_a_pool_of_no_workers_is_refused(smallest: int, largest: int) -> None:
    with pytest.raises(ValueError, match="workers: give at least 1"):
        RayPool("local", smallest, largest)


def test_what_goes_wrong_in_a_worker_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the working folder is put back to

    def refuse() -> Recorder:
        raise ValueError("layers [99]")

    assert tried(refuse, str(tmp_path)) == "layers [99]"
    worker = ShardWorker(refuse, str(tmp_path / "run"), str(tmp_path))
    row = {"number": 0, "first": 0, "items": [{"id": "p", "question": "?", "gold": "!"}]}
    assert worker(row) == {"number": 0, "problems": 0, "error": "layers [99]", "seen": ""}
