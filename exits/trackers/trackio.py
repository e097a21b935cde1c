"""Trackio: a run of a project, kept on this machine; `trackio show` draws it."""

from collections.abc import Mapping
from typing import Any

from probexit.exits.trackers.base import Tracker


class Trackio(Tracker):
    """A run of a project."""

    package = "trackio"

    def begin(self, package: Any) -> None:
        self._trackio = package
        package.init(project=self.place)

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        self._trackio.log({**metrics, "step": step})

    def end(self) -> None:
        self._trackio.finish()
