"""The exit rules as a list for a terminal, as wide as it is: what each reads and costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from probexit.exits.terminal import table


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


# heading, what to show
COLUMNS: tuple[tuple[str, Callable[[Described], str]], ...] = (
    ("reads", lambda method: method.reads),
    ("extra cost", lambda method: method.cost),
    ("training needed", lambda method: method.training),
    ("guarantee", lambda method: method.guarantee),
    ("source", lambda method: method.source or "-"),
)


def as_list(methods: Mapping[str, Described], columns: int | None = None) -> str:
    """Lay the methods out by family; ``*`` marks one that generates anew.

    Args:
        methods: By name.
        columns: Columns of the terminal; None takes it as it is.
    """
    rows: list[list[str] | None] = []
    family = None
    for name, method in methods.items():
        if method.family != family:
            family = method.family
            rows += [None, [f"[{family}]", *[""] * len(COLUMNS)]]
        mark = "" if method.replayed else "*"
        rows.append([name + mark, *(show(method) for _, show in COLUMNS)])
    head = ["name", *(heading for heading, _ in COLUMNS)]
    text = table(head, rows, left=len(head), columns=columns)
    if not all(method.replayed for method in methods.values()):
        text += "\n\n* changes the text, so it cannot be replayed: it generates anew."
    return text
