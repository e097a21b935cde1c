"""The exit rules as a list for a terminal, 120 columns wide: what each reads and costs."""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

WIDTH = 120


@dataclass(frozen=True)
class Described:
    """What an exit rule says of itself; see `probexit.experiments.methods.core.base.Method`."""

    family: str
    reads: str
    cost: str
    training: str
    guarantee: str
    source: str
    replayed: bool


# heading, width, what to show; what is longer goes on below
COLUMNS: tuple[tuple[str, int, Callable[[Described], str]], ...] = (
    ("reads", 22, lambda method: method.reads),
    ("extra cost", 21, lambda method: method.cost),
    ("training needed", 18, lambda method: method.training),
    ("guarantee", 21, lambda method: method.guarantee),
    ("source", 10, lambda method: method.source or "-"),
)
NAME = WIDTH - sum(width + 1 for _, width, _ in COLUMNS)


def as_list(methods: Mapping[str, Described]) -> str:
    """Lay the methods out by family; ``*`` marks one that generates anew."""
    heads = _line("name", [heading for heading, _, _ in COLUMNS])
    lines = [heads, "-" * WIDTH]
    family = None
    for name, method in methods.items():
        if method.family != family:
            lines += [""] * (family is not None) + [f"[{method.family}]"]
            family = method.family
        lines += _entry(name if method.replayed else f"{name}*", method)
    if not all(method.replayed for method in methods.values()):
        lines += ["", "* changes the text, so it cannot be replayed: it generates anew."]
    return "\n".join(lines)


def _entry(name: str, method: Described) -> list[str]:
    cells = [
        textwrap.wrap(show(method), width, break_long_words=False) or [""]
        for _, width, show in COLUMNS
    ]
    rows = zip_longest([name], *cells, fillvalue="")
    return [_line(first, rest) for first, *rest in rows]


def _line(name: str, cells: list[str]) -> str:
    widths = (width for _, width, _ in COLUMNS)
    parts = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return " ".join([f"{name:<{NAME}}", *parts]).rstrip()
