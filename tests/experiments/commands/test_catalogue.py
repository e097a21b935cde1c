"""What is read from source files is what importing them gives, family by family."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from probexit.experiments.commands import source_classes
from probexit.experiments.commands.catalogue import catalogue, values_of
from probexit.experiments.commands.list import FAMILIES
from probexit.experiments.evaluation.render.listing import Described
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.registry import members


@pytest.mark.parametrize("family", FAMILIES)
def test_every_member_is_listed_and_nothing_else(family: str) -> None:
    package = FAMILIES[family]
    listed = {name: (cls.module, cls.name) for name, cls in catalogue(package).items()}
    found = {name: (cls.__module__, cls.__name__) for name, cls in members(package).items()}
    assert listed == found
    for module, _ in listed.values():
        text = (sys.modules[module].__doc__ or "").strip().partition("\n")[0]
        assert source_classes.first_line(module) == text != ""


def test_what_a_rule_says_of_itself() -> None:
    listed = catalogue(FAMILIES["methods"])
    for name, method in members(FAMILIES["methods"]).items():
        for field in (one.name for one in fields(Described)):
            assert listed[name].constant(field) == getattr(method, field), (name, field)
    assert values_of("probexit.experiments.methods.core.base", "MethodFamily") == list(MethodFamily)


def test_a_class_that_leaves_a_method_out_is_no_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "probexit"
    (root / "zoo").mkdir(parents=True)
    (root / "zoo" / "__init__.py").touch()
    head = "from abc import ABC, abstractmethod\n"
    (root / "zoo" / "base.py").write_text(
        f"{head}class Animal(ABC):\n    @abstractmethod\n    def say(self): ...\n"
    )
    use = "from probexit.zoo.base import Animal\n"
    (root / "zoo" / "mute.py").write_text(f"{use}class Mute(Animal):\n    legs = 4\n")
    (root / "zoo" / "dog.py").write_text(
        f'"""Barks."""\n{use}class Dog(Animal):\n    def say(self): ...\n    loud = True\n'
    )
    (root / "zoo" / "puppy.py").write_text(
        "from probexit.zoo.dog import Dog\nclass Puppy(Dog):\n    small = True\n"
    )
    monkeypatch.setattr(source_classes, "ROOT", root)
    found = catalogue("probexit.zoo")
    assert list(found) == ["dog", "puppy"]
    assert found["puppy"].constant("loud") is True
    with pytest.raises(ValueError, match="Dog states no small"):
        found["dog"].constant("small")


def test_a_list_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys\nfrom probexit.experiments.commands.cli import main\nmain(['list'])\n"
        "assert not {'torch', 'transformers', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "answer_consistency" in done.stdout
