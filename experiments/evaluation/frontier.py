"""Accuracy against tokens, rule by rule over its whole grid: as rows for a file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.curve import Curve
from probexit.experiments.evaluation.problems import Band
from probexit.experiments.evaluation.results import Comparison, ResultRow
from probexit.probes.artefacts.strict_json import plain

MEASURED = ("accuracy", "thinking", "total", "risk")


@dataclass(frozen=True)
class Place:
    """A rule at one threshold; bounds are 95 % intervals over problems.

    Attributes:
        method: Its module's name.
        title: Its name for readers.
        family: What it looks at.
        kind: "curve" (a threshold of the grid), "certified", "published" (not certified), "live"
            (generated anew), "reference" (full run and no thinking), "bound" (looks at the grades).
        label: The operating point; "" on the curve.
        threshold: None if the rule has none.
        accuracy: Share of right answers.
        thinking: Mean thinking tokens.
        total: Mean of all tokens: thinking, probing, closing text and answer.
        risk: Mean loss.
    """

    method: str
    title: str
    family: str
    kind: str
    label: str
    threshold: float | None
    accuracy: Interval
    thinking: Interval
    total: Interval
    risk: Interval


def places(comparison: Comparison) -> list[Place]:
    """Return every operating point, then every curve from strict to lax."""
    points = [_of_row(row) for row in comparison.rows]
    first = {row.title: row for row in reversed(comparison.rows)}
    return points + [
        place
        for title, curve in comparison.curves.items()
        for place in _on_curve(first[title], curve)
    ]


def kind_of(row: ResultRow) -> str:
    """Say what an operating point is; see ``Place.kind``."""
    if not row.deployable:
        return "bound"
    if row.promised is not None:
        return "certified"
    if row.live:
        return "live"
    return "reference" if row.threshold is None and not row.label else "published"


def as_csv(found: list[Place]) -> str:
    """Write places as CSV: a column per bound, such as ``accuracy_low``."""
    out = io.StringIO()
    names = [f.name for f in fields(Place) if f.name not in MEASURED]
    ends = ("estimate", "low", "high")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [*names, *(f"{m}_{end}".removesuffix("_estimate") for m in MEASURED for end in ends)]
    )
    for place in found:
        own = [getattr(place, name) for name in names]
        writer.writerow(
            [*own, *(getattr(getattr(place, m), end) for m in MEASURED for end in ends)]
        )
    return out.getvalue()


def as_json(found: list[Place]) -> str:
    """Write places as JSON; infinity is the string "inf", what is undefined is null."""
    return json.dumps(plain([asdict(place) for place in found]), indent=1, allow_nan=False) + "\n"


def _of_row(row: ResultRow) -> Place:
    m = row.measures
    return Place(
        row.method,
        row.title,
        row.family,
        kind_of(row),
        row.label,
        row.threshold,
        m.accuracy,
        m.thinking,
        m.total,
        m.risk,
    )


def _on_curve(row: ResultRow, curve: Curve) -> Iterator[Place]:
    for i, threshold in enumerate(curve.thresholds):
        accuracy, thinking, total, risk = (_at(getattr(curve, name), i) for name in MEASURED)
        yield Place(
            row.method,
            row.title,
            row.family,
            "curve",
            "",
            float(threshold),
            accuracy,
            thinking,
            total,
            risk,
        )


def _at(band: Band, i: int) -> Interval:
    return Interval(float(band.estimate[i]), float(band.low[i]), float(band.high[i]))
