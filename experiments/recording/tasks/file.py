"""What tasks that read a file have in common."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from probexit.experiments.recording.tasks.base import Item, Task
from probexit.experiments.recording.tasks.source import Hub, SourceRow, read

BOX = "\n\nThe final answer is \\boxed{"
"""The closing of the tasks whose question asks for a box (the wording of LYNX, 2512.05325)."""


@dataclass(frozen=True)
class FileTask(Task):
    """A task whose problems are the rows of a file or of a data set on the hub.

    It reads ``data`` (JSON lines, plain or gzipped); without ``data`` it asks the hub.
    """

    @abstractmethod
    def hub(self) -> Hub:
        """Name the data set on the hub."""

    @abstractmethod
    def item(self, row: SourceRow) -> Item:
        """Turn a row into a problem.

        Raises:
            ValueError: if the row is malformed.
        """

    def rows(self) -> list[SourceRow]:
        """Return the rows of the file, or of the hub's data set."""
        return read(self.data) if self.data else self.hub().rows()

    def items(self) -> Iterator[Item]:
        places: dict[str, str] = {}
        items = []
        for row in self.rows():
            item = self.item(row)
            if item.id in places:
                raise row.error(f"the id {item.id!r} was already given by {places[item.id]}")
            places[item.id] = row.place
            items.append(item)
        return iter(items)
