"""The arguments of `probexit record` that say which engine writes, and on which machines."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from probexit.experiments.commands.base import integers

if TYPE_CHECKING:
    from probexit.experiments.recording.cluster.pool import RayPool
    from probexit.experiments.recording.run import Run


def add_where(parser: ArgumentParser) -> None:
    """Add the engine of the rollouts, and Ray's pool of workers."""
    add = parser.add_argument_group("which engine writes, and where").add_argument
    add("--engine", default="hf", help="of the rollouts: `probexit list rollout-engines`")
    add(
        "--engine-arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the engine, such as gpu_memory_utilization=.4; may be repeated",
    )
    add("--ray", metavar="ADDRESS", help="record on a Ray cluster; 'local' starts one here")
    add("--workers", default="1", help="on Ray: how many, or from:to such as 2:16")
    add("--gpus-per-worker", type=float, default=0, help="on Ray")
    add("--cpus-per-worker", type=float, default=1, help="on Ray, without GPUs")


def record_where(args: Namespace, source: Any, how: Any) -> "Run | None":
    """Record here, as one rank of several, or on a cluster.

    Args:
        args: The arguments of `probexit record`.
        source: The model.
        how: How to record.

    Returns:
        The run; None in a rank that does not speak for all.

    Raises:
        ValueError: as the recording does.
    """
    from probexit.experiments.recording.cluster.ranks import launched
    from probexit.experiments.verbs.record import record
    from probexit.experiments.verbs.record_on_ray import RecordingOrder, record_on_ray
    from probexit.hooks.models import load

    crew = launched()
    if args.ray:
        if not crew.alone:
            raise ValueError("--ray starts its own workers: leave torchrun or accelerate out")
        order = RecordingOrder(source, args.task, str(args.out), args.n, how)
        return record_on_ray(order, pool_of(args))
    run = record(load(source), args.task, args.out, args.n, replace(how, crew=crew))
    return run if crew.leads else None


def pool_of(args: Namespace) -> "RayPool":
    """Return the pool of workers that the arguments describe.

    Raises:
        ValueError: on numbers that make no pool.
    """
    from probexit.experiments.recording.cluster.pool import RayPool

    sizes = integers(args.workers.replace(":", ","))
    if len(sizes) > 2:
        raise ValueError(f"--workers {args.workers}: give a number, or from:to such as 2:16")
    return RayPool(args.ray, sizes[0], sizes[-1], args.gpus_per_worker, args.cpus_per_worker)
