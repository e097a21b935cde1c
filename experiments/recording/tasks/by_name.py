"""A task by its name on the command line, or in a manifest."""

from pathlib import Path

from probexit.experiments.recording.tasks.base import Task
from probexit.experiments.registry import named

TASKS = "probexit.experiments.recording.tasks"


def task(spec: str, data: Path | None = None, seed: int = 0) -> Task:
    """Make a task from ``name`` or ``name:variant``, such as ``arith:hard``.

    Raises:
        ValueError: on an unknown task or variant.
    """
    name, _, variant = spec.partition(":")
    made: Task = named(TASKS, name)(data=data, seed=seed, variant=variant)
    return made
