"""The comparison as a table for a terminal, as wide as it is."""

import textwrap
from collections.abc import Callable

from probexit.exits.terminal import WIDE, fitting, table, width
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow

# heading, what to show; all but the name are set right
COLUMNS: tuple[tuple[str, Callable[[ResultRow], str]], ...] = (
    ("rule", lambda row: row.name + "*" * row.live),
    ("accuracy\n%", lambda row: wording.percent(row.measures.accuracy)),
    ("change\npoints", lambda row: wording.percent(row.measures.change, "+")),
    ("think\ntokens", lambda row: wording.tokens(row.measures.thinking.estimate)),
    ("total\ntokens", lambda row: wording.tokens(row.measures.total.estimate)),
    ("oracle\nsaving", lambda row: wording.share(row.measures.oracle_share.estimate)),
    ("regret\npoints", lambda row: wording.points(row.measures.regret.estimate)),
    ("promised\nrisk", wording.promise),
    ("observed risk\n%", lambda row: wording.percent(row.measures.risk)),
    ("if\nsolved", lambda row: wording.share(row.measures.risk_solved.estimate, ".1f")),
)

# What a narrow terminal does without first.
LEAST = ("regret\npoints", "if\nsolved", "oracle\nsaving", "change\npoints")


def as_text(comparison: Comparison, columns: int | None = None) -> str:
    """Lay the rows, the savings at equal risk and the notes out.

    Args:
        comparison: What was measured.
        columns: Columns of the terminal; None takes it as it is.
    """
    wide = columns or width()
    heads = [heading for heading, _ in COLUMNS]
    rows = [[show(row) for _, show in COLUMNS] for row in comparison.rows]
    kept = fitting([heads, *rows], [heads.index(name) for name in LEAST], wide)
    laid = table([heads[i] for i in kept], [[row[i] for i in kept] for row in rows], columns=wide)
    missing = ", ".join(" ".join(heads[i].split()) for i in range(len(heads)) if i not in kept)
    narrow = [f"Too narrow here for: {missing}; --json has all."] if missing else []
    notes = [
        textwrap.fill(note, min(wide, WIDE), subsequent_indent="  ")
        for note in [*narrow, *wording.notes(comparison)]
    ]
    return "\n".join([laid, "", *notes, *_at_equal_risk(comparison)]) + "\n"


def _at_equal_risk(comparison: Comparison) -> list[str]:
    if not comparison.equal_risk:
        return []
    lines = [
        "",
        "Saved at the risk observed for ours (thresholds of the others chosen in hindsight):",
    ]
    for point in comparison.equal_risk:
        saved = (
            f"{wording.share(point.saved):>6} of thinking, {wording.share(point.saved_total):>6}"
        )
        lines.append(f"  {point.title:<30}{saved} of all tokens")
    return lines
