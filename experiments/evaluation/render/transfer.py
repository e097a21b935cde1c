"""A transfer as a table for a terminal, and as rows for a file."""

import csv
import io
import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

from probexit.exits.terminal import WIDE, table
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.transfer import Moved
from probexit.probes.artefacts.strict_json import plain

# heading, what to show; all but the first two are set right
COLUMNS: tuple[tuple[str, Callable[[Moved], str]], ...] = (
    ("target", lambda moved: moved.target),
    ("threshold", lambda moved: moved.stage),
    ("test\nn", lambda moved: str(moved.problems)),
    ("full run\n%", lambda moved: f"{100 * moved.full:.1f}"),
    ("accuracy\n%", lambda moved: wording.percent(moved.measures.accuracy)),
    ("certified\nrisk", lambda moved: _certified(moved)),
    ("observed risk\n%", lambda moved: wording.percent(moved.measures.risk)),
    ("thinking\nsaved", lambda moved: wording.share(moved.measures.saved.estimate)),
    ("tokens\nsaved", lambda moved: wording.share(moved.measures.saved_total.estimate)),
    ("promise", lambda moved: verdict(moved)),
)
LEFT = 2
NOTES = (
    "In brackets: 95 % intervals over problems. Both rows of a target are measured on the same "
    "problems; the other ones chose its re-calibrated threshold. tokens: thinking, closing text "
    "and answer.",
    "promise: kept (BROKEN) where the whole interval of the observed risk lies below (above) the "
    "certified one; open where these problems do not tell; none where nothing was certified, so "
    "that the model thinks on.",
)


def verdict(moved: Moved) -> str:
    """Say whether the promise holds, as far as these problems tell."""
    if moved.certified is None:
        return "none"
    if moved.broken:
        return "BROKEN"
    return "kept" if moved.measures.risk.high <= moved.certified else "open"


def as_text(rows: Sequence[Moved], columns: int = WIDE) -> str:
    """Lay the rows out, two per target, and name every broken promise below."""
    fill = partial(textwrap.fill, width=min(columns, WIDE), subsequent_indent="  ")
    cells = [[show(row) for _, show in COLUMNS] for row in rows]
    laid = table([heading for heading, _ in COLUMNS], cells, LEFT, columns)
    warnings = [fill(warning(row)) for row in rows if row.broken]
    return "\n".join([laid, "", *(fill(note) for note in NOTES), *warnings]) + "\n"


def warning(moved: Moved) -> str:
    """Say which promise is broken, where, and by how much."""
    seen = wording.percent(moved.measures.risk)
    return (
        f"warning: {moved.target} ({moved.setting}), {moved.stage}: the certified risk of "
        f"{_certified(moved)} is broken: {seen} % observed, the whole 95 % interval above it"
    )


def as_csv(rows: Sequence[Moved]) -> str:
    """Write the rows as CSV: a column per bound, such as ``risk_low``."""
    records = [_flat(plain(_record(row))) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]) if records else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def as_json(rows: Sequence[Moved]) -> str:
    """Write the rows as JSON; infinity is the string "inf", what is undefined is null."""
    return json.dumps(plain([_record(row) for row in rows]), indent=1, allow_nan=False) + "\n"


def _record(row: Moved) -> dict[str, object]:
    return asdict(row) | {"full": row.full, "broken": row.broken}


def _flat(record: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            inner = _flat(value)
            prefix = "" if name == "measures" else f"{name}_"
            flat |= {(prefix + key).removesuffix("_estimate"): each for key, each in inner.items()}
        else:
            flat[name] = value
    return flat


def _certified(moved: Moved) -> str:
    return "-" if moved.certified is None else f"{100 * moved.certified:g} %"
