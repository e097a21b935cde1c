import importlib
import sys
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.registry import members, named

FAMILIES = [
    "probexit.hooks.cues",
    "probexit.probes",
    "probexit.calibration",
    "probexit.exits.signals",
    "probexit.exits.policies",
    "probexit.experiments.recording.grading",
    "probexit.experiments.recording.tasks",
]

BASE = """
from abc import ABC, abstractmethod

class FarmAnimal(ABC):
    @abstractmethod
    def say(self): ...
"""
DOG = """
from animal_zoo.base import FarmAnimal

class Helper: ...

class Dog(FarmAnimal):
    def say(self): ...
"""


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "animal_zoo"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "base.py").write_text(BASE)
    (folder / "dog.py").write_text(DOG)
    (folder / "shared.py").write_text("from animal_zoo.dog import Dog\nclass Other: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.startswith("animal_zoo")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_a_member_is_the_class_a_module_defines_itself(zoo: Path) -> None:
    found = members("animal_zoo")
    assert {name: cls.__name__ for name, cls in found.items()} == {"dog": "Dog"}


def test_two_members_in_one_module_are_refused(zoo: Path) -> None:
    (zoo / "cats.py").write_text(
        "from animal_zoo.dog import Dog\nclass Cat(Dog): ...\nclass Lion(Dog): ...\n"
    )
    with pytest.raises(TypeError, match=r"animal_zoo\.cats holds 2 members"):
        members("animal_zoo")


@pytest.mark.parametrize("package", FAMILIES)
def test_the_walk_of_every_family_works(package: str) -> None:
    for name, cls in members(package).items():
        assert cls.__module__ == f"{package}.{name}"


def test_an_unknown_name_lists_the_known_and_guesses() -> None:
    with pytest.raises(ValueError, match=r"^unknown task 'gsmk8' \(did you mean 'gsm8k'\?\)") as e:
        named("probexit.experiments.recording.tasks", "gsmk8")
    assert "choose one of aime, arith, " in str(e.value)
    with pytest.raises(ValueError, match=r"^unknown task 'zzz': choose one of aime"):
        named("probexit.experiments.recording.tasks", "zzz")


def test_the_error_calls_the_family_by_its_contract(zoo: Path) -> None:
    with pytest.raises(ValueError, match=r"^unknown farm animal 'cat': choose one of dog$"):
        named("animal_zoo", "cat")


def test_a_dash_stands_for_an_underscore() -> None:
    assert (
        named("probexit.experiments.recording.tasks", "multiple-choice").__name__
        == "MultipleChoice"
    )


def test_a_task_takes_its_variant_file_and_seed() -> None:
    hard = task("arith:hard", seed=3)
    assert (hard.variant, hard.seed) == ("hard", 3)
    assert task("gsm8k", Path("x")).data == Path("x")
