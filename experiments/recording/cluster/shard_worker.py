"""A worker of a cluster: it loads the model once and records whole shards."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from probexit.exits.locked import locked
from probexit.experiments.recording.first_look import as_lines, refuse_closing
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.rollouts import one_each
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.shard_plan import Shard
from probexit.experiments.recording.shards import index_file
from probexit.experiments.recording.tasks.base import Item


class ShardWorker:
    """Records the shards it is given into a run that it shares with other workers.

    What goes wrong is told, not raised: a cluster wraps an exception into pages of its own.
    """

    def __init__(self, make: Callable[[], Recorder], folder: str, home: str) -> None:
        """Take what loads the model, the run's folder, and the folder that paths start from."""
        self.make, self.run, self.home = make, Run(folder), home
        self._looked = False

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Record a shard.

        Args:
            row: Its ``number``, ``first`` and ``items``.

        Returns:
            Its ``number``, the ``problems`` recorded, the ``error`` or "", and what was ``seen`` in
            the first one.
        """
        shard = Shard(int(row["number"]), int(row["first"]), [Item(**i) for i in row["items"]])
        try:
            seen = self._record(shard)
        except (ValueError, OSError) as error:
            told = str(error) or type(error).__name__
            return {"number": shard.number, "problems": 0, "error": told, "seen": ""}
        return {"number": shard.number, "problems": len(shard.items), "error": "", "seen": seen}

    @cached_property
    def recorder(self) -> Recorder:
        """The recorder, made when it is first needed."""
        os.chdir(self.home)
        return self.make()

    def _record(self, shard: Shard) -> str:
        recorder = self.recorder
        if shard.is_in(self.run):
            return ""  # written before its worker died
        # A worker whose leader died may still be writing it.
        with locked(index_file(self.run.shards, shard.number), "try again when it has ended"):
            traces = one_each(recorder.record_shard(self.run, shard))
        if self._looked:
            return ""
        self._looked = True
        refuse_closing(recorder.reasoner, traces)
        return "\n".join(("first shard:", *as_lines(traces)))


def tried(make: Callable[[], Recorder], home: str) -> str:
    """Load the model and begin the run; return what went wrong, or ""."""
    os.chdir(home)
    try:
        make()
    except (ValueError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
