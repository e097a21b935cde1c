"""The comparison as an aligned table for a terminal, 120 columns wide."""

import textwrap
from collections.abc import Callable

from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow

WIDTH = 120
NAME = 24

# heading, second heading, width, what to show; all but the name are set right
COLUMNS: tuple[tuple[str, str, int, Callable[[ResultRow], str]], ...] = (
    ("accuracy", "%", 19, lambda row: wording.percent(row.measures.accuracy)),
    ("change", "points", 20, lambda row: wording.percent(row.measures.change, "+")),
    ("think", "tokens", 6, lambda row: wording.tokens(row.measures.thinking.estimate)),
    ("total", "tokens", 6, lambda row: wording.tokens(row.measures.total.estimate)),
    ("oracle", "saving", 6, lambda row: wording.share(row.measures.oracle_share.estimate)),
    ("promised", "risk", 8, wording.promise),
    ("observed risk", "%", 17, lambda row: wording.percent(row.measures.risk)),
    ("if", "solved", 6, lambda row: wording.share(row.measures.risk_solved.estimate, ".1f")),
)


def as_text(comparison: Comparison) -> str:
    """Lay the rows, the savings at equal risk and the notes out in 120 columns."""
    heads = [_line(("rule", ""), 0), _line(("", ""), 1)]
    rows = [line for row in comparison.rows for line in _row(row)]
    notes = [
        textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in wording.notes(comparison)
    ]
    lines = [*heads, "-" * WIDTH, *rows, "-" * WIDTH, *notes]
    return "\n".join([*lines, *_at_equal_risk(comparison)]) + "\n"


def _line(name: tuple[str, str], which: int) -> str:
    heads = (f"{column[which]:>{column[2]}}" for column in COLUMNS)
    return " ".join([f"{name[which]:<{NAME}}", *heads])


def _row(row: ResultRow) -> list[str]:
    """Write a row; a name that is too long stands on a line of its own, above its label."""
    star = "*" if row.live else ""
    name, above = row.name + star, []
    if len(name) > NAME:
        above, name = (
            [row.title if row.label else name],
            f"  {row.label}{star if row.label else ''}",
        )
    cells = (f"{show(row):>{width}}" for _, _, width, show in COLUMNS)
    return [*above, " ".join([f"{name:<{NAME}.{NAME}}", *cells])]


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
