"""Controllers of both kinds and both formats, saved long ago, decide what they decided then."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController

GOLDEN = Path(__file__).parents[2] / "data" / "controllers"
KINDS = {"reasoning": ExitController, "layers": DepthController}
FOLDERS = sorted(GOLDEN.glob("format-*/*/*"))


def near(expected: Any) -> Any:
    """Compare numbers as the last bits of another machine may leave them."""
    if isinstance(expected, dict):
        return {key: near(value) for key, value in expected.items()}
    if isinstance(expected, list):
        return [near(value) for value in expected]
    return pytest.approx(expected, abs=1e-5) if type(expected) is float else expected


def load(folder: Path) -> Any:
    return KINDS[folder.parent.name].load(folder)  # type: ignore[attr-defined]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: "/".join(f.parts[-3:]))
def test_it_decides_what_it_decided(folder: Path, decisions: Any, tmp_path: Path) -> None:
    expected = json.loads((folder / "decisions.json").read_text())
    controller = load(folder)
    assert decisions(controller) == near(expected)
    again = tmp_path / folder.parent.name / "again"
    controller.save(again)
    assert load(again) == controller
    assert decisions(load(again)) == decisions(controller)


def test_both_formats_hold_the_same_controllers() -> None:
    names = [
        {"/".join(f.parts[-2:]) for f in FOLDERS if f.parts[-3] == one}
        for one in ("format-1", "format-2")
    ]
    assert names[0] == names[1]
    assert len(names[0]) > 30
    for folder in GOLDEN.glob("format-1/*/*"):
        assert load(folder) == load(GOLDEN / "format-2" / folder.parent.name / folder.name)


def test_the_comparison_would_see_another_decision(decisions: Any, tmp_path: Path) -> None:
    folder = GOLDEN / "format-1" / "reasoning" / "mlp-patience"
    shutil.copytree(folder, tmp_path / "reasoning" / "other")
    file = tmp_path / "reasoning" / "other" / "controller.json"
    file.write_text(file.read_text().replace('"threshold": 0.3', '"threshold": 0.7'))
    expected = json.loads((folder / "decisions.json").read_text())
    assert decisions(load(file.parent)) != near(expected)
