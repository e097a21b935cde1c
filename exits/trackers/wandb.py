"""Weights & Biases: a run of a project; `WANDB_MODE=offline` keeps it in ./wandb."""

from collections.abc import Mapping
from typing import Any

from probexit.exits.trackers.base import Tracker


class Wandb(Tracker):
    """A run of a project."""

    package = "wandb"

    def begin(self, package: Any) -> None:
        self._run = package.init(project=self.place)

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        # Its own step must never fall, but a record's and a fit's are not of one kind.
        self._run.log({**metrics, "step": step})

    def end(self) -> None:
        self._run.finish()
