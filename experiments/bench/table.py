"""The one table of measurements: a line of JSON each, kept, and a line of text to read."""

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import torch
import transformers

from probexit._version import __version__
from probexit.exits.json_lines import JsonLines
from probexit.experiments.bench.base import Measurement
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class Table:
    """A file that measurements are added to; those of earlier runs stay.

    Attributes:
        file: JSON, a line for each measurement.
    """

    file: Path

    def add(self, benchmark: str, made: Measurement, reasoner: Reasoner) -> str:
        """Write a measurement down; return it as a line to read."""
        self._lines.append(json.dumps(_entry(benchmark, made, reasoner)))
        facts = ", ".join(f"{key} {_shown(value)}" for key, value in made.facts.items())
        return f"  {made.case:<52} {made.ratio:.3f}  {made.of}{'; ' if facts else ''}{facts}"

    def mend(self) -> None:
        """Take away a last line that was cut short.

        Raises:
            ValueError: if the file holds something else.
        """
        self._lines.mend()

    @property
    def _lines(self) -> JsonLines[dict[str, Any]]:
        remedy = "this is no table of measurements: choose another --out"
        return JsonLines(self.file, json.loads, '{"benchmark": "', remedy)


def _entry(benchmark: str, made: Measurement, reasoner: Reasoner) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "case": made.case,
        "ratio": made.ratio.estimate,
        "low": made.ratio.low,
        "high": made.ratio.high,
        "of": made.of,
        "rounds": made.rounds,
        "facts": dict(made.facts),
        "model": reasoner.name,
        "parameters": sum(p.numel() for p in reasoner.model.parameters()),
        "dtype": str(reasoner.model.dtype).removeprefix("torch."),
        **_machine(reasoner.model.device),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _machine(device: torch.device) -> dict[str, Any]:
    cpu = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    return {
        "machine": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "versions": {
            "probexit": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "numpy": numpy.__version__,
        },
    }


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
