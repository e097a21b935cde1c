"""Counters of one engine, kept in a small file for the process that answers ``/metrics``."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.production.log import Decision
from probexit.probes.artefacts.folder import replace_file


@dataclass
class Counts:
    """What the controllers have done since the engine started.

    Attributes:
        file: Where other processes read it.
        requests: Requests that ended under a controller.
        cues: Cues at which one was asked.
        exits: Requests that were left at a cue.
        budget: Requests whose thinking was closed by its budget.
        refused: Exits not taken because no room for an answer was left.
        failed: Requests whose controller failed.
        saved: Thinking tokens saved, by the share that the certificate measured; 0 where it names
            none.
    """

    file: Path = field(repr=False)
    requests: int = 0
    cues: int = 0
    exits: int = 0
    budget: int = 0
    refused: int = 0
    failed: int = 0
    saved: float = 0.0

    def add(self, made: Decision, controller: ExitController, thinking: int) -> None:
        """Count a request that ended after so many thinking tokens."""
        self.requests += 1
        self.cues += len(made.scores)
        self.exits += made.exited
        self.budget += made.budget
        self.refused += made.refused
        share = float(controller.certificate.get("saved", 0.0))
        if 0 < share < 1:  # of what it would have written, this is left
            self.saved += thinking * share / (1 - share)

    def write(self) -> None:
        """Put the counters where other processes read them."""
        plain = {name: value for name, value in asdict(self).items() if name != "file"}
        replace_file(self.file, json.dumps(plain).encode())


def read_counts(file: Path) -> dict[str, Any]:
    """Return the counters in a file; {} before any request has ended."""
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text())
    return found
