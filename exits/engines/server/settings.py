"""What the environment says about exits in vLLM."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from probexit.exits.controller import ExitController
from probexit.exits.engines.server.environment import (
    AUDIT,
    CONTROLLER,
    COUNTS,
    LOG,
    ON_ERROR,
    SEED,
)
from probexit.exits.production.audit import Audit
from probexit.exits.signals.base import Trial

FAIL, THINK = "fail", "think"


@dataclass(frozen=True)
class Settings:
    """Controllers and files of one engine, the same in all its processes.

    Attributes:
        controllers: The first is every request's unless it asks for another level.
        log: Decision log; None writes none.
        think_on: Whether a request whose controller fails thinks on; else the engine stops.
        counts: File over which the counters reach the process that answers ``/metrics``.
        audit: Which requests think to the end.
    """

    controllers: tuple[ExitController, ...]
    log: Path | None
    think_on: bool
    counts: Path
    audit: Audit

    @classmethod
    def from_environment(cls) -> Self:
        """Read ``PROBEXIT_CONTROLLER`` (folders, joined by the path separator) and its kin.

        Raises:
            ValueError: on a folder without a controller, controllers that cannot share an engine,
                an unknown ``PROBEXIT_ON_ERROR``, or an audit that cannot be.
        """
        folders = [part for part in os.environ[CONTROLLER].split(os.pathsep) if part]
        controllers = tuple(ExitController.load(folder) for folder in folders)
        _refuse(controllers)
        reaction = os.environ.get(ON_ERROR, FAIL)
        if reaction not in (FAIL, THINK):
            raise ValueError(f"{ON_ERROR}={reaction!r}: use {FAIL} or {THINK}")
        if COUNTS not in os.environ:  # the processes that vLLM starts inherit it
            os.environ[COUNTS] = str(Path(tempfile.mkdtemp(prefix="probexit-")) / "counts.json")
        log, counts = os.environ.get(LOG), Path(os.environ[COUNTS])
        return cls(controllers, Path(log) if log else None, reaction == THINK, counts, _audit(log))

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Layers that some signal reads, ascending."""
        return tuple(sorted({i for made in self.controllers for i in made.signal.layers}))

    @cached_property
    def levels(self) -> Mapping[float, ExitController]:
        """Controllers by the risk that they are certified at."""
        certified = [made for made in self.controllers if "alpha" in made.certificate]
        return {float(made.certificate["alpha"]): made for made in reversed(certified)}


def _audit(log: str | None) -> Audit:
    """Read which requests are audited.

    Raises:
        ValueError: on what is no share or no seed, or without a log to write the outcome to.
    """
    share, seed = os.environ.get(AUDIT) or "0", os.environ.get(SEED) or "0"
    try:
        audit = Audit(float(share), int(seed))
    except ValueError as error:
        raise ValueError(
            f"{AUDIT}={share!r}, {SEED}={seed!r}: give a share from 0 to 1 and a whole number"
        ) from error
    if audit.rate and not log:
        raise ValueError(f"{AUDIT}={share}: set {LOG}, too; audited requests are read from there")
    return audit


def _refuse(controllers: tuple[ExitController, ...]) -> None:
    """Refuse what vLLM cannot do, before a model is loaded."""
    for made in controllers:
        if made.signal.trial is not Trial.NONE:
            raise ValueError(
                f"{type(made.signal).__name__} decodes a trial answer at each cue, which vLLM does "
                "not do here: use the own loop, or attach with generate"
            )
    models = {made.model for made in controllers if made.model is not None}
    if len({(model.width, model.layers, model.weights) for model in models}) > 1:
        raise ValueError(f"{CONTROLLER} names controllers of different models: serve one of them")
