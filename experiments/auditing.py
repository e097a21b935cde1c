"""Serve a task's problems as requests: the decision log of a controller, without a server."""

from collections.abc import Callable, Sequence

from tqdm import tqdm

from probexit.exits.engines.base import Request
from probexit.exits.production.serve import Production, Served
from probexit.experiments.models import Reasoner
from probexit.experiments.tasks.base import Item, Task


def agreement(task: Task) -> Callable[[str, str], bool]:
    """Compare two texts behind the thinking by the task's own grader."""

    def same(text: str, other: str) -> bool:
        return task.same(task.extract(text), task.extract(other))

    return same


def serve_items(
    production: Production, reasoner: Reasoner, items: Sequence[Item], chunk: int = 64
) -> list[Served]:
    """Serve problems in their order; those that the log holds already are passed over."""
    known = {d.request for d in production.log if d.controller == production.name}
    new = [item for item in items if item.id not in known]
    served: list[Served] = []
    with tqdm(total=len(items), initial=len(items) - len(new), unit="request") as bar:
        for first in range(0, len(new), chunk):
            part = new[first : first + chunk]
            served += production.serve([Request(i.id, reasoner.prompt(i.question)) for i in part])
            bar.update(len(part))
    return served
