"""Who records a run: one process that holds its lock, or several that share it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from probexit.exits.locked import locked

T = TypeVar("T")
REMEDY = "wait for it, or choose another --out"


class Crew(ABC):
    """The processes that record a run together; each calls the same methods in the same order."""

    @property
    @abstractmethod
    def leads(self) -> bool:
        """Whether this process speaks for all."""

    @property
    @abstractmethod
    def alone(self) -> bool:
        """Whether there is no other."""

    @abstractmethod
    def takes(self, number: int) -> bool:
        """Tell whether this process records shard ``number``; exactly one of the crew does."""

    @abstractmethod
    def first(self, work: Callable[[], T]) -> T:
        """Do some work in the leading process, and then in the others.

        Raises:
            ValueError: in all of them, if the leading one could not.
        """

    @abstractmethod
    def holding(self, folder: Path) -> AbstractContextManager[None]:
        """Hold a run's lock together, until the last one is done.

        Raises:
            ValueError: in all of them, if a stranger holds it.
        """


class Alone(Crew):
    """One process, which records every shard."""

    @property
    def leads(self) -> bool:
        return True

    @property
    def alone(self) -> bool:
        return True

    def takes(self, number: int) -> bool:
        return True

    def first(self, work: Callable[[], T]) -> T:
        return work()

    def holding(self, folder: Path) -> AbstractContextManager[None]:
        return locked(folder, REMEDY)
