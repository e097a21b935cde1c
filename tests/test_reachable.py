"""Whatever stands in the package is reached by more than its tests.

Roots: the command line and other entry points, the public names, the notebooks, the documented
entries of docs/python.md, modules that are run by name or by path, and the members of the families
that `probexit list` shows.
"""

import ast
import json
import re
from importlib import import_module
from pathlib import Path

from probexit.experiments.commands.list import FAMILIES

ROOT = Path(__file__).parents[1]
FOLDERS = ("hooks", "probes", "calibration", "exits", "experiments")
ENTRIES = re.findall(r'= "(probexit[.\w]+):', (ROOT / "pyproject.toml").read_text("utf-8"))
RUN = set(re.findall(r"-m (probexit[.\w]+)", (ROOT / "Makefile").read_text("utf-8")))
RUN_BY_PATH = {"probexit.experiments.recording.grading.worker"}
DOCUMENTED = set(re.findall(r"probexit(?:\.\w+)+", (ROOT / "docs/python.md").read_text("utf-8")))


def modules() -> dict[str, Path]:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    return {dotted(file): file for file in files}


def dotted(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(("probexit", *(part for part in parts if part != "__init__")))


def imported(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def roots(known: dict[str, Path]) -> set[str]:
    notebooks = [
        json.loads(f.read_text("utf-8")) for f in ROOT.glob("experiments/notebooks/*.ipynb")
    ]
    sources = ["".join(cell["source"]) for book in notebooks for cell in book["cells"]]
    texts = [*sources, (ROOT / "probexit/__init__.py").read_text("utf-8")]
    named = {m for m in known if any(re.search(rf"{re.escape(m)}\b", text) for text in texts)}
    families = {m for m in known if m.rpartition(".")[0] in FAMILIES.values()}
    methods = {m for m in known if m.startswith(FAMILIES["methods"] + ".")}
    run = {m for m in known if ".commands." in m or m.endswith("__main__") or m in RUN}
    return named | families | methods | run | RUN_BY_PATH | {*ENTRIES} | (DOCUMENTED & known.keys())


def unreached(known: dict[str, Path], start: set[str]) -> set[str]:
    seen, left = set[str](), list(start)
    while left:
        module = left.pop()
        if module in seen or module not in known:
            continue
        seen.add(module)
        left += [*imported(known[module].read_text("utf-8")), module.rpartition(".")[0]]
    return {m for m in known if m not in seen and known[m].name != "__init__.py"}


def test_every_module_is_reached() -> None:
    known = modules()
    assert unreached(known, roots(known)) == set()


def test_the_check_sees_a_module_that_nothing_reaches() -> None:
    known = modules()
    start = roots(known) - {"probexit.exits.depth.encoder"}
    assert unreached(known, start) == {"probexit.exits.depth.encoder"}


def test_documented_entries_are_there() -> None:
    for name in DOCUMENTED:
        module, _, attribute = name.rpartition(".")
        assert name in modules() or hasattr(import_module(module), attribute), name
