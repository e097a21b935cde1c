"""What ``depth fit`` leaves beside its controller, so that later steps take other problems."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from probexit.experiments.depth.bench import Bench
from probexit.experiments.find import task
from probexit.experiments.models import Source, load


@dataclass(frozen=True)
class Fitted:
    """How a rule was fitted.

    Attributes:
        model: Folder or hub id.
        task: ``name`` or ``name:variant``.
        data: The task's file, if it reads one.
        seed: Of the task.
        used: Problems used so far, from the task's first; the next step takes those after.
        thresholds: To calibrate along, falling.
        max_new_tokens: Limit of each text.
    """

    model: str
    task: str
    data: str | None
    seed: int
    used: int
    thresholds: tuple[float, ...]
    max_new_tokens: int

    def bench(self) -> Bench:
        """Load the model and make the task."""
        problems = task(self.task, Path(self.data) if self.data else None, self.seed)
        return Bench(load(Source(self.model)), problems, self.max_new_tokens)

    def save(self, folder: Path) -> None:
        """Write ``fit.json``."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / "fit.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read ``fit.json``.

        Raises:
            ValueError: if there is none.
        """
        file = folder / "fit.json"
        if not file.is_file():
            raise ValueError(f"{folder} holds no fit.json: run `probexit depth fit` first")
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(**data | {"thresholds": tuple(data["thresholds"])})
