"""The only place where a name becomes a class: a family's members are found by walking its folder.

A family is a package with a ``base`` module that holds its contract. A member's name is the name of
its module, so adding a member is adding a file.
"""

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from probexit.experiments.tasks.base import Task

TASKS = "probexit.experiments.tasks"


def members(package: str) -> dict[str, type[Any]]:
    """Walk a family: ``{module name: its one concrete class that keeps the family's contract}``.

    Modules without such a class (the contract, shared parts) are passed over.

    Args:
        package: The dotted name of a package with a ``base`` module, such as ``probexit.probes``.

    Raises:
        TypeError: if a module holds several such classes.
    """
    contracts = _contracts(package)
    found = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if info.ispkg:
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        kept = [cls for cls in _classes(module, abstract=False) if issubclass(cls, contracts)]
        if len(kept) > 1:
            raise TypeError(f"{module.__name__} holds {len(kept)} members, not one: {kept}")
        if kept:
            found[info.name] = kept[0]
    return found


def _contracts(package: str) -> tuple[type[Any], ...]:
    return tuple(_classes(importlib.import_module(f"{package}.base"), abstract=True))


def _classes(module: ModuleType, *, abstract: bool) -> list[type[Any]]:
    """Return the classes that a module itself defines, either the abstract or the concrete ones."""
    own = (cls for _, cls in inspect.getmembers(module, inspect.isclass))
    own_here = (cls for cls in own if cls.__module__ == module.__name__)
    return [cls for cls in own_here if inspect.isabstract(cls) == abstract]


def named(package: str, name: str) -> type[Any]:
    """Return the member of a family by its name; ``-`` may stand for ``_``.

    Raises:
        ValueError: if there is none, listing the ones there are.
    """
    found = members(package)
    member = found.get(name.replace("-", "_"))
    if member is None:
        raise ValueError(f"unknown {_kind(package)} {name!r}{_suggestion(name, found)}")
    return member


def task(spec: str, data: Path | None = None, seed: int = 0) -> "Task":
    """Make a task from ``name`` or ``name:variant``, such as ``arith:hard``.

    Raises:
        ValueError: on an unknown task or variant.
    """
    name, _, variant = spec.partition(":")
    made: Task = named(TASKS, name)(data=data, seed=seed, variant=variant)
    return made


def _kind(package: str) -> str:
    """Say what a family's members are, by the name of its contract: "cue set" for ``CueSet``."""
    contract = _contracts(package)[0].__name__
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", contract).lower()


def _suggestion(name: str, known: Iterable[str]) -> str:
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{hint}: choose one of {', '.join(options)}"
