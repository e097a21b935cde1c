"""Read a comparison back from ``compare.json``."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.metrics import Measures
from probexit.experiments.evaluation.problems import Band
from probexit.experiments.evaluation.results import AtEqualRisk, Comparison, ResultRow

FILE = "compare.json"


def read_comparison(folder: Path) -> Comparison:
    """Read what ``probexit compare`` wrote into a run's folder.

    Raises:
        ValueError: if there is nothing, or something else.
    """
    file = folder / FILE
    if not file.is_file():
        raise ValueError(f"{folder} was not compared yet: run `probexit compare {folder}` first")
    try:
        return comparison_from(json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{file} is no comparison of this version ({error}): run `probexit compare` again"
        ) from error


def comparison_from(data: dict[str, Any]) -> Comparison:
    """Rebuild a comparison from what ``Comparison.to_json`` wrote."""
    return Comparison(
        **data
        | {
            "rows": tuple(_row(row) for row in data["rows"]),
            "curves": {title: _curve(curve) for title, curve in data["curves"].items()},
            "equal_risk": tuple(_at_equal_risk(point) for point in data["equal_risk"]),
            "traces": tuple(data["traces"]),
        }
    )


def _row(data: dict[str, Any]) -> ResultRow:
    threshold = data["threshold"]
    return ResultRow(
        **data
        | {
            "threshold": None if threshold is None else float(threshold),
            "exited": _number(data["exited"]),
            "measures": _measures(data["measures"]),
            "exits": tuple(data["exits"]),
        }
    )


def _measures(data: dict[str, Any]) -> Measures:
    read: dict[str, Any] = {
        name: _interval(value) if isinstance(value, dict) else _number(value)
        for name, value in data.items()
    }
    return Measures(**read)


def _interval(data: dict[str, Any]) -> Interval:
    return Interval(**{end: _number(value) for end, value in data.items()})


def _curve(data: dict[str, Any]) -> Curve:
    bands = {
        name: Band(**{end: _numbers(values) for end, values in band.items()})
        for name, band in data.items()
        if name != "thresholds"
    }
    return Curve(thresholds=_numbers(data["thresholds"]), **bands)


def _at_equal_risk(data: dict[str, Any]) -> AtEqualRisk:
    numbers = {name: _number(data[name]) for name in ("risk", "saved", "saved_total")}
    return AtEqualRisk(**data | numbers)


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: list[float | str | None]) -> Any:
    return np.array([_number(value) for value in values], dtype=np.float64)
