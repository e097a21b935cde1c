"""Cut a task into numbered shards, and find those that are not recorded yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.base import Item, Task


@dataclass(frozen=True)
class Shard:
    """Some problems that are recorded and written together.

    Attributes:
        number: Its number in the run.
        first: The number of its first problem in the task.
        items: Its problems.
    """

    number: int
    first: int
    items: Sequence[Item]

    def is_in(self, run: Run) -> bool:
        """Tell whether a run holds these problems already.

        Raises:
            ValueError: if it holds others in their place.
        """
        recorded = run.recorded(self.number)
        if any(old != item for old, item in zip(recorded, self.items, strict=False)):
            raise ValueError(
                f"{run.folder} holds other problems than the task now gives (has its file "
                "changed?): choose another --out"
            )
        return len(recorded) >= len(self.items)


def shards(task: Task, n: int, size: int) -> Iterator[Shard]:
    """Cut the first ``n`` problems of a task into shards of ``size``.

    Raises:
        ValueError: if the task has fewer.
    """
    items = task.items()
    for number, first in enumerate(range(0, n, size)):
        wanted = min(size, n - first)
        chunk = list(islice(items, wanted))
        if len(chunk) < wanted:
            raise ValueError(
                f"the task has only {first + len(chunk)} problems: use --n {first + len(chunk)}"
            )
        yield Shard(number, first, chunk)
