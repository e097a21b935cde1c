"""A small table for notebooks, so that objects show themselves; everything in it is escaped."""

from collections.abc import Sequence
from html import escape

_STYLE = "font: 13px/1.4 system-ui, sans-serif; font-variant-numeric: tabular-nums; margin: .4em 0;"
_CELL = "padding: 2px 10px; text-align: {side}; border-bottom: 1px solid #ddd;"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Return an HTML table; the first column is set left, the others right.

    Args:
        head: Headings; none for a table without.
        rows: Cells as text.
        caption: Stands above.
    """
    parts = [f'<table style="{_STYLE}">']
    if caption:
        parts.append(f'<caption style="text-align: left">{escape(caption)}</caption>')
    if head:
        parts.append(_row("th", head))
    parts += [_row("td", row) for row in rows]
    return "\n".join([*parts, "</table>"])


def _row(tag: str, cells: Sequence[str]) -> str:
    sides = ["left", *["right"] * (len(cells) - 1)]
    made = (
        f'<{tag} style="{_CELL.format(side=side)}">{escape(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"


def facts(pairs: dict[str, str], caption: str = "") -> str:
    """Return a table of names and values, both set left."""
    cell = _CELL.format(side="left")
    rows = "".join(
        f'<tr><td style="{cell} color: #666">{escape(name)}</td>'
        f'<td style="{cell}">{escape(value)}</td></tr>'
        for name, value in pairs.items()
    )
    head = f'<caption style="text-align: left">{escape(caption)}</caption>' if caption else ""
    return f'<table style="{_STYLE}">{head}{rows}</table>'
