"""The contract of a tracker, and how numbers reach those that are open.

    with TensorBoard("runs/board"):
        run = record(...)  # recording, fitting, certifying and serving all log

What runs does not know who listens: it calls ``track``, which is nothing where no tracker is open.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from importlib import import_module
from types import TracebackType
from typing import Any, ClassVar, Self


class Tracker(ABC):
    """Numbers by name and step, written to one place while the context is open.

    Attributes:
        package: What must be installed; imported when the context opens, not before.
    """

    package: ClassVar[str]

    def __init__(self, place: str = "probexit") -> None:
        """Say where the numbers go; nothing is written yet.

        Args:
            place: The project; for a tracker that writes files, the folder.
        """
        self.place = place
        self._next = 0

    @abstractmethod
    def begin(self, package: Any) -> None:
        """Open the place; ``package`` is what was imported."""

    @abstractmethod
    def write(self, metrics: Mapping[str, float], step: int) -> None:
        """Write finite numbers at a step."""

    @abstractmethod
    def end(self) -> None:
        """Write what is left and close."""

    def log(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write numbers by name; those that are not finite are left out.

        Args:
            metrics: Such as ``{"record/right": 0.9}``.
            step: How far it is, such as problems recorded; None counts the calls.
        """
        self._next += 1
        finite = {name: float(v) for name, v in metrics.items() if math.isfinite(v)}
        self.write(finite, self._next - 1 if step is None else step)

    def __enter__(self) -> Self:
        """Open the place, and listen.

        Raises:
            ValueError: if the package is missing.
        """
        try:
            package = import_module(self.package)
        except ModuleNotFoundError as error:
            raise ValueError(
                f"{type(self).__name__} needs {error.name}, which is not installed: "
                f"pip install {self.package.partition('.')[0]}"
            ) from None
        self.begin(package)
        self._token = _OPEN.set((*_OPEN.get(), self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _OPEN.reset(self._token)
        self.end()


_OPEN: ContextVar[tuple[Tracker, ...]] = ContextVar("open trackers", default=())


def track(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Write numbers to every tracker that is open in this context; see ``Tracker.log``."""
    for tracker in _OPEN.get():
        tracker.log(metrics, step)
