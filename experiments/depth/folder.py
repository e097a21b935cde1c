"""What ``depth fit`` leaves beside its controller, so that later steps take other problems."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Self

from probexit.exits.artefacts.controllers import sealed
from probexit.exits.artefacts.parts import describe, rebuild
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Source, load
from probexit.probes.artefacts.folder import opened_artefact, write_artefact
from probexit.probes.artefacts.strict_json import read_json


@dataclass(frozen=True)
class FittedRule:
    """How a rule was fitted.

    Attributes:
        model: Folder or hub id.
        task: ``name`` or ``name:variant``.
        data: The task's file, if it reads one.
        seed: Seed of the task.
        used: Problems used so far, from the task's first; the next step takes those after.
        thresholds: To calibrate along, falling; none for a lossless rule.
        max_new_tokens: Limit of each text.
        rule: Hash of the rule that was fitted; "" in files of format 1.
    """

    model: str
    task: str
    data: str | None
    seed: int
    used: int
    thresholds: tuple[float, ...]
    max_new_tokens: int
    rule: str = ""

    def bench(self) -> DepthBench:
        """Load the model and make the task."""
        problems = task(self.task, Path(self.data) if self.data else None, self.seed)
        return DepthBench(load(Source(self.model)), problems, self.max_new_tokens)

    def __post_init__(self) -> None:
        if not all(a > b for a, b in pairwise(self.thresholds)):
            raise ValueError("thresholds must fall")
        if self.max_new_tokens < 1 or self.used < 0:
            raise ValueError(f"used = {self.used}, max_new_tokens = {self.max_new_tokens}")

    def check(self, rule: ExitRule, folder: Path) -> None:
        """Refuse a controller whose rule is of another fit: the problems used are not its own.

        Raises:
            ValueError: naming the folder.
        """
        if self.rule and self.rule != fitted_hash(rule):
            raise ValueError(
                f"{folder}: fit.json and depth.json are not of one fit (one was interrupted): "
                "run `probexit depth fit` again"
            )

    def save(self, folder: Path) -> None:
        """Write ``fit.json``."""
        write_artefact(folder, "fit", describe(self, {}), {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read ``fit.json``, of format 2 or 1.

        Raises:
            ValueError: if there is none; naming file and field, if it is damaged or changed.
        """
        file, remedy = folder / "fit.json", "run `probexit depth fit` again"
        if not file.is_file():
            raise ValueError(f"{folder} holds no fit.json: run `probexit depth fit` first")
        data = read_json(file, remedy)
        if "format" in data:
            data, _ = opened_artefact(file, data, remedy)
        try:
            made: Self = rebuild(cls, data, {})
        except ValueError as error:
            raise ValueError(f"{file}: {error}: {remedy}") from error
        return made


def fitted_hash(rule: ExitRule) -> str:
    """Return the hash of what was fitted of a rule: all but its thresholds."""
    return sealed(replace(rule.at(0.0), decider=rule.decider.with_stop(math.inf)))


def load_fitted(folder: Path) -> tuple[FittedRule, DepthController]:
    """Load a controller and how it was fitted, which must be of one fit.

    Raises:
        ValueError: as both do, and if they are not.
    """
    fitted, controller = FittedRule.load(folder), DepthController.load(folder)
    fitted.check(controller.rule, folder)
    return fitted, controller
