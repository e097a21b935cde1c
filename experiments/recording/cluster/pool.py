"""A pool of Ray actors that grows and shrinks; each records whole shards and writes them itself.

Ray Data hands out the numbers of shards that are still missing, so that an interrupted recording
goes on where it was, and gives the shard of a worker that died to another one. The run's folder,
and the model's where it has one, must be the same on all machines.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from probexit.exits.locked import locked
from probexit.experiments.recording.cluster.crew import REMEDY
from probexit.experiments.recording.cluster.shard_worker import ShardWorker, tried
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shard_plan import Shard

logger = logging.getLogger(__name__)

OWN = "local"
OWN_STORE = 200 * 2**20  # bytes; only numbers and sentences pass through it
RESTARTS = 10  # a shard that kills its worker each time is said, not tried for ever


@dataclass(frozen=True)
class RayPool:
    """Where the workers run.

    Attributes:
        address: Of a Ray cluster; "auto" finds the one of this machine, "local" starts one.
        smallest: Least number of workers.
        largest: Greatest number of workers.
        gpus: GPUs of each worker; over several of them its model is spread by a device map.
        cpus: Processor cores of each worker, where it has no GPU.
    """

    address: str = OWN
    smallest: int = 1
    largest: int = 1
    gpus: float = 0
    cpus: float = 1

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest:
            raise ValueError(
                f"{self.smallest} to {self.largest} workers: give at least 1, the smaller first"
            )
        if self.gpus < 0 or self.cpus <= 0:
            raise ValueError(
                f"{self.gpus} GPUs and {self.cpus} cores for each worker: give at least 0 GPUs and "
                "more than 0 cores"
            )

    def record(self, run: Run, n: int, todo: Sequence[Shard], make: Callable[[], Recorder]) -> None:
        """Record the shards that are still missing.

        Args:
            run: The run.
            n: How many problems it will hold.
            todo: The missing shards.
            make: Loads the model in a worker and begins the run; can be sent there.

        Raises:
            ValueError: if Ray is not installed or not found there, another process records into
                the run, or a worker refused to go on.
        """
        run.folder.mkdir(parents=True, exist_ok=True)
        missing = sum(len(shard.items) for shard in todo)
        bar = tqdm(total=n, initial=n - missing, unit="problem", desc="record")
        with locked(run.folder, REMEDY), bar, self._connected():
            if not run.begun:
                self._begin(make)
            for done in self._to_the_end(run, todo, make):
                if done["error"]:
                    raise ValueError(done["error"])
                if bar.n == n - missing and done["seen"]:
                    bar.write(done["seen"], file=sys.stderr)
                bar.update(done["problems"])

    def _begin(self, make: Callable[[], Recorder]) -> None:
        """Let one worker write the manifest; the others compare theirs with it."""
        import ray

        alone = ray.remote(max_calls=1, **self._each)(tried)  # its process gives the memory back
        if error := ray.get(alone.remote(make, str(Path.cwd()))):
            raise ValueError(error)

    def _to_the_end(
        self, run: Run, todo: Sequence[Shard], make: Callable[[], Recorder]
    ) -> Iterator[dict[str, Any]]:
        """As ``_done``; what a worker left that Ray does not start again is handed out anew.

        Raises:
            ValueError: if the workers of the same shards died again and again.
        """
        from ray.exceptions import RayActorError

        left = {shard.number: shard for shard in todo}
        for _ in range(RESTARTS):
            try:
                for done in self._done(run, list(left.values()), make):
                    left.pop(int(done["number"]), None)
                    yield done
            except RayActorError as error:
                said = str(error).splitlines()[0]
                logger.warning("%d shards are handed out anew: %s", len(left), said)
            if not left:
                return
        raise ValueError(
            f"the workers of {len(left)} shards died {RESTARTS} times: give them memory"
        )

    def _done(
        self, run: Run, todo: Sequence[Shard], make: Callable[[], Recorder]
    ) -> Iterator[dict[str, Any]]:
        """Yield what the workers tell of each shard, as it is written."""
        from ray.data import ActorPoolStrategy, DataContext, from_items

        DataContext.get_current().enable_progress_bars = False
        rows = [
            {
                "number": shard.number,
                "first": shard.first,
                "items": [asdict(item) for item in shard.items],
            }
            for shard in todo
        ]
        # Two tasks wait at each actor: with one, the pool would never seem short of actors.
        pool = ActorPoolStrategy(
            min_size=min(self.smallest, len(rows)),
            max_size=min(self.largest, len(rows)),
            max_tasks_in_flight_per_actor=2,
        )
        shards = from_items(rows, override_num_blocks=len(rows)).map(
            ShardWorker,
            fn_constructor_args=(make, str(run.folder), str(Path.cwd())),
            compute=pool,
            max_restarts=RESTARTS,
            max_task_retries=RESTARTS,
            **self._each,
        )
        yield from shards.iter_rows()

    @property
    def _each(self) -> dict[str, float]:
        """What a worker is given."""
        return {"num_gpus": self.gpus} if self.gpus else {"num_cpus": self.cpus}

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Join the cluster, or start one; leave it as it was."""
        try:
            import ray
        except ImportError:
            raise ValueError("--ray needs Ray: pip install 'probexit[ray]'") from None
        if ray.is_initialized():
            yield
            return
        own = {"include_dashboard": False, "object_store_memory": OWN_STORE}
        try:
            ray.init(
                address=self.address,
                log_to_driver=False,
                **(own if self.address == OWN else {}),
            )
        except Exception as error:  # what Ray raises where a node does not come up has no type
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(f"no Ray cluster at {self.address!r}: {said}") from error
        try:
            yield
        finally:
            ray.shutdown()
