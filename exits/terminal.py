"""A table as wide as the terminal; cells that are too long go on below, and none is cut."""

import shutil
from collections.abc import Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 120
GAP = 2  # columns of the terminal between those of the table


def width() -> int:
    """Return the columns of the terminal; 120 where there is none, so that files do not differ."""
    return shutil.get_terminal_size((WIDE, 24)).columns


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str] | None],
    left: int = 1,
    columns: int | None = None,
) -> str:
    """Lay a table out as text.

    Args:
        head: Headings; a line break begins a second line.
        rows: Cells as text; None is a rule across.
        left: How many columns, from the first, are set left; the others are set right.
        columns: Columns of the terminal; None takes it as it is.
    """
    wide = columns or width()
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for i, each in enumerate(_widths([head, *filter(None, rows)], wide)):
        made.add_column(
            Text(head[i]),
            justify="left" if i < left else "right",
            vertical="top" if i < left else "bottom",
            width=each,
            overflow="fold",
        )
    for row in rows:
        if row is None:
            made.add_section()
        else:
            made.add_row(*map(Text, row))
    out = StringIO()
    Console(file=out, width=max(wide, 1), color_system=None).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def fitting(
    rows: Sequence[Sequence[str]], least: Sequence[int], columns: int | None = None
) -> list[int]:
    """Return the columns of a table whose cells fit in a line each, ascending.

    Of the first column, names, only the words must fit.

    Args:
        rows: Cells as text, headings among them.
        least: Columns that may be left out, the least needed first.
        columns: Columns of the terminal; None takes it as it is.
    """
    whole, words = _longest(rows)
    needs, kept = [words[0], *whole[1:]], list(range(len(whole)))
    for column in least:
        if sum(needs[i] + GAP for i in kept) - GAP <= (columns or width()):
            break
        kept.remove(column)
    return kept


def _longest(rows: Sequence[Sequence[str]]) -> tuple[list[int], list[int]]:
    """Return the longest line, and the longest word, of every column."""
    cells = list(zip(*rows, strict=True))
    lines = [max(len(line) for cell in column for line in cell.split("\n")) for column in cells]
    words = [max((len(w) for cell in column for w in cell.split()), default=1) for column in cells]
    return lines, words


def _widths(rows: Sequence[Sequence[str]], wide: int) -> list[int]:
    """Narrow the columns until they fit: names first, then between words, then inside them.

    The words of the first column, names that are to be typed, stay whole.
    """
    found, words = _longest(rows)
    others = len(found) - 1
    for floor in ([words[0], *found[1:]], words, [words[0], *[1] * others]):
        while sum(found) + GAP * (len(found) - 1) > wide and found != floor:
            i = max(range(len(found)), key=lambda i: found[i] - floor[i])
            found[i] -= 1
    return found
