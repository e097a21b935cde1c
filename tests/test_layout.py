"""The house rules that a machine can check."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "hooks": {"hooks"},
    "probes": {"probes"},
    "calibration": {"calibration"},
    "exits": {"exits", "hooks", "probes"},
    "experiments": {"experiments", "exits", "hooks", "probes", "calibration"},
}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """The top folders that a file imports from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("probexit.")}
    return found - {"_version"}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_downwards(folder: str) -> None:
    upward = {
        str(file.relative_to(ROOT)): sorted(imported(file) - MAY_IMPORT[folder])
        for file in modules(folder)
        if imported(file) - MAY_IMPORT[folder]
    }
    assert upward == {}


def test_the_check_sees_an_upward_import(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("from probexit.exits.trace import Trace\n", encoding="utf-8")
    assert imported(file) - MAY_IMPORT["calibration"] == {"exits"}


def test_every_package_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = set(listed["tool"]["setuptools"]["packages"])
    found = {
        "probexit." + ".".join(file.parent.relative_to(ROOT).parts)
        for folder in MAY_IMPORT
        for file in modules(folder)
        if file.name == "__init__.py"
    }
    assert packages == found | {"probexit"}


def test_no_folder_became_a_global_name() -> None:
    assert not set(MAY_IMPORT) & set(sys.modules)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for folder in MAY_IMPORT
        for file in modules(folder)
        if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_nothing_is_unpickled() -> None:
    """Artefacts are safetensors and JSON; the training state is tensors only (weights_only)."""
    words = ("import pickle", "joblib.load", "torch.load(", "allow_pickle=True")
    users = [
        (file.name, word)
        for folder in MAY_IMPORT
        for file in modules(folder)
        for word in words
        if word in file.read_text(encoding="utf-8")
    ]
    assert all(name == "train.py" and word == "torch.load(" for name, word in users)
