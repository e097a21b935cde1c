"""Record on a Ray cluster: what one process would record, by workers that load the model each."""

from dataclasses import dataclass
from pathlib import Path

from probexit.experiments.recording.cluster.pool import RayPool
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shard_plan import shards
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.verbs.record import Recording, begun
from probexit.hooks.models import Source, load


@dataclass(frozen=True)
class RecordingOrder:
    """What is to be recorded, in a form that can be sent to another process.

    Attributes:
        source: The model.
        task: A task by name.
        out: The run's folder.
        n: How many problems.
        how: How to record.
    """

    source: Source
    task: str
    out: str
    n: int
    how: Recording

    def __call__(self) -> Recorder:
        """Load the model here, and begin the run or compare with it."""
        return begun(load(self.source), self.task, Run(self.out), self.n, self.how)


def record_on_ray(order: RecordingOrder, pool: RayPool) -> Run:
    """Record, or go on recording, with a pool of workers.

    Args:
        order: What to record.
        pool: Who does.

    Raises:
        ValueError: as ``probexit.record`` does, or if there is no such cluster.
    """
    run, how = Run(order.out), order.how
    problems = task(order.task, Path(how.data) if how.data else None, how.seed)
    every = shards(problems, order.n, how.shard_size)
    todo = [shard for shard in every if not shard.is_in(run)]
    if todo:
        pool.record(run, order.n, todo, order)
    return run
