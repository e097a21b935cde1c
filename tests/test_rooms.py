"""The arrows between modules: none in a circle, and inside experiments only downwards."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOPS = ("hooks", "probes", "calibration", "exits", "experiments")
# From the ground up; a room imports only itself and those before it.
ROOMS = (
    "registry",
    "reasoner",
    "recording",
    "fitting",
    "risk_control",
    "methods",
    "evaluation",
    "depth",
    "bench",
    "reasoner.training",
    "verbs",
    "commands",
    "sample",
)


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for top in TOPS for file in sorted((ROOT / top).rglob("*.py"))}


def arrows(text: str, known: set[str]) -> set[str]:
    """The modules that a text imports, at the top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = whole.removeprefix("probexit.") in known
                found.add(whole if is_module else node.module)
    return {name.removeprefix("probexit.") for name in found} & known


GRAPH = {
    name: arrows(file.read_text(encoding="utf-8"), set(FILES)) - {name}
    for name, file in FILES.items()
}


def room(name: str) -> str | None:
    """The longest room that a module lies in."""
    inside = name.removeprefix("experiments.")
    fitting = [r for r in ROOMS if inside == r or inside.startswith(f"{r}.")]
    return max(fitting, key=len) if name.startswith("experiments.") and fitting else None


def upward(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    return [
        (name, other)
        for name, others in sorted(graph.items())
        for other in sorted(others)
        if (here := room(name))
        and (there := room(other))
        and ROOMS.index(there) > ROOMS.index(here)
    ]


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Take away modules that import nothing left; what remains lies on or above a circle."""
    left = {name: set(others) for name, others in graph.items()}
    while free := {name for name, others in left.items() if not others}:
        left = {name: others - free for name, others in left.items() if name not in free}
    if left:
        path = [min(left)]
        while path[-1] not in path[:-1]:
            path.append(min(left[path[-1]]))
        yield path[path.index(path[-1]) :]


def test_inside_experiments_imports_point_downwards() -> None:
    assert upward(GRAPH) == []


def test_there_is_no_circle() -> None:
    assert list(circles(GRAPH)) == []


def test_every_module_of_experiments_lies_in_a_room() -> None:
    lost = [n for n in FILES if n.startswith("experiments.") and room(n) is None]
    assert lost == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from probexit.experiments.commands import base", {"experiments.commands.base"}),
        ("def f():\n    import probexit.experiments.registry", {"experiments.registry"}),
    ],
)
def test_the_check_sees_what_it_must_refuse(text: str, expected: set[str]) -> None:
    seen = arrows(text, set(FILES))
    assert seen == expected
    graph = {"experiments.registry": seen, "experiments.commands.base": {"experiments.registry"}}
    if "experiments.commands.base" in seen:
        assert upward(graph) == [("experiments.registry", "experiments.commands.base")]
        assert list(circles(graph))
