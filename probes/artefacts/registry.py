"""Names of classes: a family's members are found by walking its folder, never by a module's path.

A family is a package with a ``base`` module that holds its contract. A member's name is the name of
its module, so adding a member is adding a file. A class of a user's own is a member from when its
module is imported, under its class name in snake case. A ``member_name`` in the class goes before
either: with it a file may be renamed and what was saved still be read.
"""

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def members(package: str) -> dict[str, type[Any]]:
    """Walk a family: ``{module name: its one concrete class that keeps the family's contract}``.

    Modules without such a class (the contract, shared parts) are passed over.

    Args:
        package: The dotted name of a package with a ``base`` module, such as ``probexit.probes``.

    Raises:
        TypeError: if a module holds several such classes.
    """
    kept_by = contracts(package)
    found: dict[str, type[Any]] = {}
    for module in _modules(package):
        kept = [cls for cls in _classes(module, abstract=False) if issubclass(cls, kept_by)]
        if len(kept) > 1:
            raise TypeError(f"{module.__name__} holds {len(kept)} members, not one: {kept}")
        if kept:
            name = module.__name__.rpartition(".")[2]
            if name in found:
                raise TypeError(f"{module.__name__} and {found[name].__module__} share a name")
            found[name] = kept[0]
    return found


def _modules(package: str) -> Iterator[ModuleType]:
    """Import a family's modules.

    A family without a ``base`` module of its own keeps its contract in ``core`` and its members in
    its other folders; a folder with a ``base`` module is no part of it.
    """
    folder = importlib.import_module(package)
    flat = find_spec(f"{package}.base") is not None
    for info in pkgutil.iter_modules(folder.__path__):
        name = f"{package}.{info.name}"
        if not info.ispkg:
            yield importlib.import_module(name)
        elif not flat and find_spec(f"{name}.base") is None:
            yield from _modules_of(name)


def _modules_of(package: str) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not info.ispkg:
            yield importlib.import_module(f"{package}.{info.name}")


def _base(package: str) -> ModuleType:
    """Import the module that holds a family's contract."""
    own = f"{package}.base"
    return importlib.import_module(own if find_spec(own) else f"{package}.core.base")


def contracts(package: str) -> tuple[type[Any], ...]:
    """Return the abstract classes of a family's ``base`` module."""
    return tuple(_classes(_base(package), abstract=True))


def suggestion(name: str, known: Iterable[str]) -> str:
    """End the sentence that refuses an unknown name with the known ones."""
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{hint}: choose one of {', '.join(options)}"


@dataclass(frozen=True)
class Registry:
    """The families whose members an artefact may name, as ``family:name``.

    Attributes:
        packages: The package of each family.
    """

    packages: Mapping[str, str]

    def family(self, contract: type[Any]) -> str | None:
        """Return the family whose contract a class is, or keeps; None if there is none."""
        bases = {f"{package}.base": name for name, package in self.packages.items()}
        found = (bases[cls.__module__] for cls in contract.__mro__ if _is_contract(cls, bases))
        return next(found, None)

    def name_of(self, cls: type[Any]) -> str:
        """Return ``family:name`` of a member.

        Raises:
            ValueError: if the class is no member, no dataclass of its own, or shares its name.
        """
        family = self.family(cls)
        if family is None or inspect.isabstract(cls):
            raise ValueError(f"{cls.__qualname__} cannot be saved: it is a member of no family")
        ours = {member: name for name, member in self._members[family].items()}
        name = ours.get(cls) or _own_name(cls)
        if self.find(f"{family}:{name}") is not cls:
            raise ValueError(f"{cls.__qualname__} is no module-level class: it cannot be found")
        if "__dataclass_fields__" not in vars(cls):
            raise ValueError(f"{cls.__qualname__} cannot be saved: make it a dataclass")
        return f"{family}:{name}"

    def find(self, spec: str) -> type[Any]:
        """Return the member that ``family:name`` means; nothing outside the families is imported.

        Raises:
            ValueError: if there is none, or if two have this name.
        """
        family, _, name = spec.partition(":")
        if family not in self.packages:
            raise ValueError(f"unknown family {family!r}{suggestion(family, self.packages)}")
        found = [cls for own, cls in self._named(family) if own == name]
        if len(found) > 1:
            raise ValueError(f"two members are called {spec}: give one another `member_name`")
        if not found:
            known = (own for own, _ in self._named(family))
            raise ValueError(
                f"unknown {family} {name!r}{suggestion(name, known)}; if it is one of yours, "
                "import its module first"
            )
        return found[0]

    def own(self, path: str) -> type[Any] | None:
        """Return the imported member of a user's own that stood at ``module:Class``, if any."""
        for family in self.packages:
            for cls in self._own(family):
                if f"{cls.__module__}:{cls.__qualname__}" == path:
                    return cls
        return None

    def _named(self, family: str) -> Iterator[tuple[str, type[Any]]]:
        yield from self._members[family].items()
        yield from ((_own_name(cls), cls) for cls in self._own(family))

    def _own(self, family: str) -> list[type[Any]]:
        """Return the concrete subclasses of a family's contracts that are not the package's."""
        found = {}
        for contract in contracts(self.packages[family]):
            for cls in _below(contract):
                inside = cls.__module__.startswith("probexit.")
                if not inside and not inspect.isabstract(cls) and self.family(cls) == family:
                    # a cell of a notebook that ran again defines the class anew: the last counts
                    found[f"{cls.__module__}:{cls.__qualname__}"] = cls
        return list(found.values())

    @cached_property
    def _members(self) -> Mapping[str, dict[str, type[Any]]]:
        return _Walked(self.packages)


class _Walked(dict[str, dict[str, type[Any]]]):
    """Families walked when first asked for."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self.packages = packages

    def __missing__(self, family: str) -> dict[str, type[Any]]:
        found = members(self.packages[family])
        self[family] = {_given(cls) or name: cls for name, cls in found.items()}
        if len(self[family]) < len(found):
            raise TypeError(f"two members of {self.packages[family]} have one `member_name`")
        return self[family]


def _is_contract(cls: type[Any], bases: Mapping[str, str]) -> bool:
    return cls.__module__ in bases and inspect.isabstract(cls)


def _below(cls: type[Any]) -> Iterator[type[Any]]:
    for child in cls.__subclasses__():
        yield child
        yield from _below(child)


def _given(cls: type[Any]) -> str | None:
    given: str | None = vars(cls).get("member_name")
    return given


def _own_name(cls: type[Any]) -> str:
    return _given(cls) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def _classes(module: ModuleType, *, abstract: bool) -> list[type[Any]]:
    """Return the classes that a module itself defines, either the abstract or the concrete ones."""
    own = (cls for _, cls in inspect.getmembers(module, inspect.isclass))
    own_here = (cls for cls in own if cls.__module__ == module.__name__)
    return [cls for cls in own_here if inspect.isabstract(cls) == abstract]
