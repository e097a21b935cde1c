"""A family that keeps its members in several folders."""

import importlib
import sys
from pathlib import Path

import pytest

from probexit.experiments.registry import members

CONTRACT = """
from abc import ABC, abstractmethod

class Beast(ABC):
    @abstractmethod
    def say(self): ...
"""
MEMBER = "from beasts.core.base import Beast\nclass {}(Beast):\n    def say(self): ...\n"


@pytest.fixture
def beasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("", "core", "small", "large", "other"):
        (tmp_path / "beasts" / folder).mkdir()
        (tmp_path / "beasts" / folder / "__init__.py").touch()
    root = tmp_path / "beasts"
    (root / "core" / "base.py").write_text(CONTRACT)
    (root / "core" / "shared.py").write_text(MEMBER.format("Shared"))
    (root / "small" / "mouse.py").write_text(MEMBER.format("Mouse"))
    (root / "large" / "bear.py").write_text(MEMBER.format("Bear"))
    (root / "other" / "base.py").write_text(CONTRACT.replace("Beast", "Plant"))
    (root / "other" / "moss.py").write_text(MEMBER.format("Moss"))
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.startswith("beasts")]:
        monkeypatch.delitem(sys.modules, name)
    return root


def test_members_lie_in_folders_without_a_contract(beasts: Path) -> None:
    assert {name: cls.__name__ for name, cls in members("beasts").items()} == {
        "bear": "Bear",
        "mouse": "Mouse",
    }


def test_a_name_stands_once_in_all_folders(beasts: Path) -> None:
    (beasts / "large" / "mouse.py").write_text(MEMBER.format("Elephant"))
    with pytest.raises(TypeError, match="share a name"):
        members("beasts")
