"""The ranks that `torchrun` or `accelerate launch` starts: each its shards, and its own devices.

They share the store through which the launcher brings them together, and nothing else: no tensor
is sent. What the launcher said is read once and taken out of the environment, lest an engine that
is loaded later (vLLM) takes itself for one rank of several.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from probexit.exits.locked import locked
from probexit.experiments.recording.cluster.crew import REMEDY, Alone, Crew

T = TypeVar("T")
LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
VISIBLE = "CUDA_VISIBLE_DEVICES"
PATIENCE = timedelta(days=30)  # a launcher stops all ranks when one dies


def launched() -> Crew:
    """Return the ranks of this launch, or one process alone where there was none.

    To be called before the model is loaded: it leaves a rank its own devices.

    Raises:
        ValueError: if there are fewer devices than ranks.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    crew = Alone() if size == 1 else _joined(rank, size)
    for name in [n for n in os.environ if n in LAUNCHED or n.startswith("TORCHELASTIC_")]:
        del os.environ[name]
    return crew


def _joined(rank: int, size: int) -> "Ranks":
    """Take this rank's devices, and join the others."""
    devices = _devices()
    if devices:
        local = int(os.environ.get("LOCAL_RANK", rank))
        together = int(os.environ.get("LOCAL_WORLD_SIZE", size))
        os.environ[VISIBLE] = ",".join(own_devices(local, together, devices))
    return Ranks(rank, size, _store(rank, size))


def own_devices(rank: int, size: int, devices: Sequence[str]) -> list[str]:
    """Return one rank's share of the devices of its machine; those left over stay unused.

    Args:
        rank: Its number among the ``size`` ranks of the machine.
        size: Their number.
        devices: The devices, by number or name.

    Raises:
        ValueError: if there are fewer devices than ranks.
    """
    each = len(devices) // size
    if not each:
        raise ValueError(
            f"{size} ranks on a machine with {len(devices)} GPUs: start "
            f"--nproc-per-node {len(devices)}, or set {VISIBLE}= to record on CPUs"
        )
    return list(devices[rank * each : (rank + 1) * each])


@dataclass(frozen=True)
class Ranks(Crew):
    """Rank ``rank`` of ``size``: it takes shards ``rank``, ``rank + size``, ...

    Attributes:
        rank: This process; 0 leads.
        size: How many there are.
        store: A key-value store of ``torch.distributed`` that all share.
    """

    rank: int
    size: int
    store: Any
    _step: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return False

    def takes(self, number: int) -> bool:
        return number % self.size == self.rank

    def first(self, work: Callable[[], T]) -> T:
        key = f"first-{next(self._step)}"
        if not self.leads:
            self._hear(key)
            return work()
        with self._telling(key):
            found = work()
        self._say(key)
        return found

    @contextmanager
    def holding(self, folder: Path) -> Iterator[None]:
        step = next(self._step)
        if not self.leads:
            self._hear(f"lock-{step}")
            with self._telling(f"done-{step}-{self.rank}"):
                yield
            self._say(f"done-{step}-{self.rank}")
            return
        with ExitStack() as held:
            with self._telling(f"lock-{step}"):
                held.enter_context(locked(folder, REMEDY))
            self._say(f"lock-{step}")
            yield
            for other in range(1, self.size):
                self._hear(f"done-{step}-{other}")

    def _say(self, key: str, error: str = "") -> None:
        self.store.set(key, error)

    def _hear(self, key: str) -> None:
        """Wait for another rank; fail as it failed."""
        self.store.wait([key], PATIENCE)
        if error := self.store.get(key).decode():
            raise ValueError(error)

    @contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """Tell the others of what goes wrong in here."""
        try:
            yield
        except (ValueError, OSError) as error:
            self._say(key, str(error) or type(error).__name__)
            raise


def _devices() -> list[str]:
    """Return the GPUs of this machine, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    said = os.environ.get(VISIBLE)
    if said is not None:
        return [device for device in said.split(",") if device]
    return [str(i) for i in range(torch.cuda.device_count())]


def _store(rank: int, size: int) -> Any:
    """Join the store that the launcher's environment names."""
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, _, _ = next(rendezvous("env://", rank, size))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return PrefixStore(f"probexit-{attempt}", store)
