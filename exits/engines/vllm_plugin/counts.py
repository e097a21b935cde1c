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
        audited: Requests that thought to the end for the audit, and were examined.
        agreed: Those where the exit's answer is the full run's.
        unfinished: Requests chosen for the audit that did not end by themselves: nothing is known.
        pending: Answers that audits still wait for.
        drift: By digest of a controller: the evidence of its drift alarm, and whether it rang.
    """

    file: Path = field(repr=False)
    requests: int = 0
    cues: int = 0
    exits: int = 0
    budget: int = 0
    refused: int = 0
    failed: int = 0
    saved: float = 0.0
    audited: int = 0
    agreed: int = 0
    unfinished: int = 0
    pending: int = 0
    drift: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def add(self, made: Decision, controller: ExitController, thinking: int) -> None:
        """Count a request that ended after so many thinking tokens."""
        self.requests += 1
        self.cues += len(made.scores)
        self.exits += made.exited
        self.budget += made.budget
        self.refused += made.refused
        if made.audit is not None:
            self.audited += 1
            self.agreed += bool(made.agrees)
            return  # it saved nothing
        share = float(controller.certificate.get("saved", 0.0))
        if 0 < share < 1:  # of what it would have written, this is left
            self.saved += thinking * share / (1 - share)

    def write(self) -> None:
        """Put the counters where other processes read them."""
        plain = {name: value for name, value in asdict(self).items() if name != "file"}
        replace_file(self.file, json.dumps(plain).encode())


def read_counts(file: Path) -> dict[str, Any]:
    """Return the counters in a file; {} before the engine has written any."""
    if not file.is_file():
        return {}
    found: dict[str, Any] = json.loads(file.read_text())
    return found
