"""Ranks of one launch: each its shards, one lock and one manifest, and strangers refused."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from torch.distributed import HashStore

from probexit.exits.locked import locked
from probexit.experiments.recording.cluster.crew import Alone
from probexit.experiments.recording.cluster.ranks import Ranks, launched, own_devices

TWO = ("--standalone", "--nproc-per-node", "2", "-m", "--")
TORCHRUN = ("-m", "torch.distributed.run", *TWO)
PLAIN = ("--mixed_precision", "no", "--dynamo_backend", "no", "--num_machines", "1")
ACCELERATE = (
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
    *(*PLAIN, "--module"),
)


def together(work: Callable[[Ranks], Any], size: int = 3) -> list[Any]:
    """Call ``work`` in every rank of a launch; return what each returned or raised."""
    store = HashStore()

    def one(rank: int) -> Any:
        try:
            return work(Ranks(rank, size, store))
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(one, range(size)))


def test_every_shard_is_one_ranks() -> None:
    ranks = [Ranks(rank, 3, None) for rank in range(3)]
    assert [[rank.takes(number) for rank in ranks].count(True) for number in range(10)] == [1] * 10
    assert [number for number in range(10) if ranks[1].takes(number)] == [1, 4, 7]


def test_the_leading_rank_goes_first() -> None:
    order: list[int] = []
    together(lambda ranks: ranks.first(lambda: order.append(ranks.rank)))
    assert order[0] == 0
    assert sorted(order) == [0, 1, 2]


def test_what_the_leading_rank_cannot_no_other_tries() -> None:
    def work(ranks: Ranks) -> str:
        def refuse() -> str:
            if ranks.leads:
                raise ValueError("another alpha")
            return "went on"

        return ranks.first(refuse)

    assert together(work) == ["another alpha"] * 3


def test_ranks_hold_a_run_together_until_the_last_is_done(tmp_path: Path) -> None:
    entered = Event()

    def work(ranks: Ranks) -> str:
        with ranks.holding(tmp_path):
            if ranks.rank == 2:  # the others are long done
                entered.wait(10)
                with pytest.raises(ValueError, match="another process is writing"):
                    locked(tmp_path, "wait").__enter__()
        if ranks.rank == 1:
            entered.set()
        return "done"

    assert together(work) == ["done"] * 3
    with locked(tmp_path, "wait"):
        pass


def test_a_run_that_a_stranger_holds_is_refused_in_every_rank(tmp_path: Path) -> None:
    def work(ranks: Ranks) -> str:
        with ranks.holding(tmp_path):
            return "recorded"

    with locked(tmp_path, "wait"):
        answers = together(work)
    assert all("another process is writing" in answer for answer in answers)
    assert together(work) == ["recorded"] * 3


def test_the_leading_rank_fails_with_any_other(tmp_path: Path) -> None:
    def work(ranks: Ranks) -> str:
        with ranks.holding(tmp_path):
            if ranks.rank == 1:
                raise ValueError("no memory for a single trace")
        return "done"

    assert together(work) == ["no memory for a single trace"] * 2 + ["done"]


def test_devices_are_shared_out() -> None:
    cards = ["0", "1", "2", "3", "4"]
    assert [own_devices(rank, 2, cards) for rank in range(2)] == [["0", "1"], ["2", "3"]]
    with pytest.raises(ValueError, match="8 ranks on a machine with 5 GPUs"):
        own_devices(0, 8, cards)


def test_without_a_launcher_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert isinstance(launched(), Alone)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE], ids=["torchrun", "accelerate"])
def test_two_ranks_record_what_one_process_does(
    launcher: tuple[str, ...],
    tmp_path: Path,
    whole: Path,
    begin: Callable[..., "subprocess.Popen[str]"],
    assert_same: Callable[[Path, Path], None],
) -> None:
    out = tmp_path / "run"
    ranks = begin(launcher, "--out", str(out))
    said, warned = ranks.communicate(timeout=900)
    assert ranks.returncode == 0, warned[-3000:]
    assert said.count("12 problems recorded") == 1
    assert warned.count("first shard:") == 2  # both took part
    assert_same(out, whole)
